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

/**
 * The mailboxes of an account that a batch reads, while it changes them, and which of them differ from the rows that have been written. If the
 * batch observes mailboxes, these are all of the account; else they may be some, and then none gets another parent or path.
 */
public final class MailboxTree {
    /** Deeper than servers let mailboxes nest. Ends the walk to the root if parents form a cycle. */
    private static final int DEPTH_MAX = 100;

    /**
     * What is to be written and emitted.
     *
     * @param rows parents before their children
     * @param renamed a mailbox's new key by its old one; its cursor is stored under the key
     */
    public record Difference(List<StoredMailbox> rows, List<Change> changes, Map<MailboxKey, MailboxKey> renamed) {}

    /** A name below a parent; no parent: at the top. */
    public record Position(Optional<UUID> parentId, String name) {}

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
     * The id of the mailbox with this key. A mailbox that has not been observed yet is created with the key's text as its name, so that no
     * email is lost if a mailbox was created between the server's response about mailboxes and the one about emails. The next
     * observation of the mailbox fills in the rest.
     */
    UUID idOf(MailboxKey key) {
        UUID found = byKey.get(key);
        if (found != null) {
            return found;
        }
        String text = key.value().substring(key.value().indexOf(':') + 1);
        Optional<String> rawName = key.value().startsWith("name:") ? Optional.of(text) : Optional.empty();
        StoredMailbox row = new StoredMailbox(
                ids.get(), key, rawName, text, Optional.empty(), text, Optional.empty(), 0, true, true, 0, 0);
        put(row);
        return row.id();
    }

    /**
     * Takes over the server's description of some mailboxes.
     *
     * @param requested ids of mailboxes that open mutations create, by position. A position below a parent that is new itself matches
     *     only if the parent comes first in {@code observed}
     */
    public void observe(List<ObservedMailbox> observed, Map<Position, UUID> requested) {
        rename(observed);
        for (ObservedMailbox mailbox : observed) {
            Optional<UUID> parentId = mailbox.parent().flatMap(this::find);
            UUID id = byKey.computeIfAbsent(
                    mailbox.key(),
                    key -> Optional.ofNullable(requested.get(new Position(parentId, mailbox.name())))
                            .filter(requestedId -> !current.containsKey(requestedId))
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
        // In a second loop, so that a parent may come after its children.
        for (ObservedMailbox mailbox : observed) {
            UUID id = byKey.get(mailbox.key());
            Optional<UUID> parent = mailbox.parent().flatMap(this::find).filter(found -> !found.equals(id));
            current.computeIfPresent(id, (same, row) -> row.movedTo(parent, row.path()));
        }
    }

    public void remove(UUID id) {
        StoredMailbox row = current.remove(id);
        written.remove(id);
        byKey.remove(row.key());
        current.replaceAll(
                (child, childRow) -> childRow.parentId().filter(id::equals).isPresent()
                        ? childRow.movedTo(Optional.empty(), childRow.path())
                        : childRow);
    }

    /** What has changed since the last call. The caller writes it. */
    public Difference difference() {
        current.replaceAll((id, row) -> row.movedTo(row.parentId(), pathOf(row)));
        List<StoredMailbox> rows = current.values().stream()
                .filter(row -> !row.equals(written.get(row.id())))
                .sorted(Comparator.comparingInt(row -> ancestry(row).size()))
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
     * Applies renames whose new key is free; of a chain (A to B, B to C) the last one first. Two mailboxes that exchanged their names keep
     * their keys; their UIDVALIDITY has changed, and their emails are linked again.
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

    /** The stored path if an ancestor has not been read. */
    private String pathOf(StoredMailbox row) {
        List<StoredMailbox> ancestry = ancestry(row);
        boolean complete =
                ancestry.getLast().parentId().map(current::containsKey).orElse(true);
        if (!complete && !row.path().isEmpty()) {
            return row.path();
        }
        StringBuilder path = new StringBuilder();
        for (StoredMailbox step : ancestry) {
            path.insert(0, path.isEmpty() ? step.name() : step.name() + "/");
        }
        return path.toString();
    }

    /** The mailbox, its parent, the parent's parent and so on. */
    private List<StoredMailbox> ancestry(StoredMailbox row) {
        List<StoredMailbox> ancestry = new ArrayList<>();
        Set<UUID> seen = new HashSet<>();
        Optional<StoredMailbox> step = Optional.of(row);
        while (step.isPresent() && seen.add(step.get().id()) && ancestry.size() < DEPTH_MAX) {
            ancestry.add(step.get());
            step = step.get().parentId().map(current::get);
        }
        return ancestry;
    }
}
