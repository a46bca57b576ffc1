package org.postbus.writer.decide;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.MailboxCreated;
import org.postbus.change.ChangeEvent.MailboxUpdated;
import org.postbus.model.Mailbox;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ObservedMailbox;
import org.postbus.writer.table.PendingChangesTable.Place;
import org.postbus.writer.table.PendingChangesTable;

/** All mailboxes of an account, while a batch changes them. Knows what is written and what is not yet. */
public final class MailboxTree {
    /** Deeper than any server lets mailboxes nest; also ends the walk if parents form a ring. */
    private static final int DEPTH_MAX = 100;

    /** What has changed since the last time. {@code cursorsMoved}: a mailbox's new key by its old one. */
    public record Difference(List<StoredMailbox> rows, List<Change> changes, Map<MailboxKey, MailboxKey> cursorsMoved) {}

    private final Supplier<UUID> ids;
    private final Map<UUID, StoredMailbox> written = new HashMap<>();
    private final Map<UUID, StoredMailbox> current = new LinkedHashMap<>();
    private final Map<MailboxKey, UUID> byKey = new HashMap<>();
    private final Map<MailboxKey, MailboxKey> renames = new LinkedHashMap<>();

    public MailboxTree(List<StoredMailbox> rows, Supplier<UUID> ids) {
        this.ids = ids;
        for (StoredMailbox row : rows) {
            written.put(row.id(), row);
            put(row);
        }
    }

    public Optional<UUID> find(MailboxKey key) {
        return Optional.ofNullable(byKey.get(key));
    }

    /**
     * The mailbox of this key. One that nobody has described yet is entered under its key's text: an email must not be lost
     * because a mailbox was made between the server's answer about mailboxes and the one about emails. The next description
     * of it fills in the rest.
     */
    UUID idOf(MailboxKey key) {
        UUID known = byKey.get(key);
        if (known != null) {
            return known;
        }
        String text = key.value().substring(key.value().indexOf(':') + 1);
        Optional<String> rawName = key.value().startsWith("name:") ? Optional.of(text) : Optional.empty();
        StoredMailbox row = new StoredMailbox(
                ids.get(), key, rawName, text, Optional.empty(), text, Optional.empty(), 0, true, true, 0, 0);
        put(row);
        return row.id();
    }

    /**
     * Takes over what the server says of some mailboxes.
     *
     * @param expected ids that new ones have, by their place; of a parent that is new itself only if it stands before them
     */
    public void observe(List<ObservedMailbox> observed, Map<Place, UUID> expected) {
        rename(observed);
        for (ObservedMailbox mailbox : observed) {
            Optional<UUID> parentId = mailbox.parent().flatMap(this::find);
            UUID id = byKey.computeIfAbsent(
                    mailbox.key(),
                    key -> Optional.ofNullable(expected.get(new Place(parentId, mailbox.name())))
                            .filter(wished -> !current.containsKey(wished))
                            .orElseGet(ids));
            current.put(
                    id,
                    new StoredMailbox(
                            id,
                            mailbox.key(),
                            mailbox.rawName(),
                            mailbox.name(),
                            Optional.empty(),
                            "",
                            mailbox.role(),
                            mailbox.sortOrder(),
                            mailbox.isSubscribed(),
                            mailbox.selectable(),
                            mailbox.totalEmails(),
                            mailbox.unreadEmails()));
        }
        // Only now, so that it does not matter whether a parent stands before its children.
        for (ObservedMailbox mailbox : observed) {
            UUID id = byKey.get(mailbox.key());
            Optional<UUID> parent = mailbox.parent().flatMap(this::find).filter(found -> !found.equals(id));
            current.computeIfPresent(id, (same, row) -> row.at(parent, row.path()));
        }
    }

    public void remove(UUID id) {
        StoredMailbox row = current.remove(id);
        written.remove(id);
        byKey.remove(row.key());
        current.replaceAll(
                (child, childRow) -> childRow.parentId().filter(id::equals).isPresent()
                        ? childRow.at(Optional.empty(), childRow.path())
                        : childRow);
    }

    /** What is to be written and told since the last call; parents before their children. */
    public Difference difference() {
        current.replaceAll((id, row) -> row.at(row.parentId(), pathOf(row)));
        List<StoredMailbox> rows = current.values().stream()
                .filter(row -> !row.equals(written.get(row.id())))
                .sorted(Comparator.comparingInt(row -> line(row).size()))
                .toList();
        List<Change> changes = new ArrayList<>();
        for (StoredMailbox row : rows) {
            StoredMailbox before = written.put(row.id(), row);
            Mailbox mailbox = row.mailbox();
            if (before == null) {
                changes.add(new MailboxCreated(mailbox));
            } else if (!mailbox.equals(before.mailbox())) {
                changes.add(new MailboxUpdated(mailbox, before.mailbox()));
            }
        }
        Map<MailboxKey, MailboxKey> moved = new LinkedHashMap<>(renames);
        renames.clear();
        return new Difference(rows, changes, moved);
    }

    /**
     * A mailbox takes the new name with it if nothing else has that name; where names were passed on (A to B, B to C) the last
     * goes first. Two that swapped their names keep them and are renumbered by their UIDVALIDITY instead.
     */
    private void rename(List<ObservedMailbox> observed) {
        boolean moved = true;
        while (moved) {
            moved = false;
            for (ObservedMailbox mailbox : observed) {
                UUID id = mailbox.renamedFrom().map(byKey::get).orElse(null);
                if (id != null && !byKey.containsKey(mailbox.key())) {
                    StoredMailbox row = current.get(id);
                    byKey.remove(row.key());
                    renames.put(row.key(), mailbox.key());
                    put(row.renamed(mailbox.key()));
                    moved = true;
                }
            }
        }
    }

    private void put(StoredMailbox row) {
        current.put(row.id(), row);
        byKey.put(row.key(), row.id());
    }

    private String pathOf(StoredMailbox row) {
        StringBuilder path = new StringBuilder();
        for (StoredMailbox step : line(row)) {
            path.insert(0, path.isEmpty() ? step.name() : step.name() + "/");
        }
        return path.toString();
    }

    /** The mailbox and those above it, from the bottom. */
    private List<StoredMailbox> line(StoredMailbox row) {
        List<StoredMailbox> line = new ArrayList<>();
        Set<UUID> seen = new HashSet<>();
        Optional<StoredMailbox> step = Optional.of(row);
        while (step.isPresent() && seen.add(step.get().id()) && line.size() < DEPTH_MAX) {
            line.add(step.get());
            step = step.get().parentId().map(current::get);
        }
        return line;
    }
}
