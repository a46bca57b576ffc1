package org.postbus.gateway.mutation;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;

/** Lays the wishes that are still open over the mailboxes that the server told of. Pure. */
public final class MailboxOverlay {
    /** Deeper than any server lets mailboxes nest; also ends the walk if wishes have made a ring. */
    private static final int DEPTH_MAX = 100;

    private MailboxOverlay() {}

    /**
     * A wish for a mailbox.
     *
     * @param kind {@code mailbox-create}, {@code mailbox-update} or {@code mailbox-destroy}
     * @param patch as {@link MailboxPatch} wrote it
     */
    public record Wish(String kind, MailboxId mailboxId, JsonNode patch) {
        public Wish {
            Objects.requireNonNull(kind);
            Objects.requireNonNull(mailboxId);
            Objects.requireNonNull(patch);
        }
    }

    /**
     * @param wishes oldest first
     * @return by path
     */
    public static List<Mailbox> lay(List<Mailbox> told, List<Wish> wishes) {
        Map<MailboxId, Mailbox> mailboxes = new LinkedHashMap<>();
        told.forEach(mailbox -> mailboxes.put(mailbox.id(), mailbox));
        for (Wish wish : wishes) {
            Mailbox before = mailboxes.get(wish.mailboxId());
            switch (wish.kind()) {
                case "mailbox-create" -> {
                    if (before == null) {
                        mailboxes.put(wish.mailboxId(), changed(created(wish.mailboxId()), wish.patch()));
                    }
                }
                case "mailbox-update" -> {
                    if (before != null) {
                        mailboxes.put(before.id(), changed(before, wish.patch()));
                    }
                }
                case "mailbox-destroy" -> mailboxes.remove(wish.mailboxId());
                default -> throw new IllegalArgumentException("no wish for a mailbox: " + wish.kind());
            }
        }
        if (wishes.isEmpty()) {
            return told;
        }
        return mailboxes.values().stream()
                .map(mailbox -> at(mailbox, mailbox.name(), mailbox.parentId(), path(mailbox, mailboxes)))
                .sorted(Comparator.comparing(Mailbox::path).thenComparing(Mailbox::id))
                .toList();
    }

    private static Mailbox created(MailboxId id) {
        return new Mailbox(id, "", Optional.empty(), "", Optional.<MailboxRole>empty(), 0, 0, 0, true);
    }

    private static Mailbox changed(Mailbox mailbox, JsonNode patch) {
        return at(
                mailbox,
                patch.path("name").asText(mailbox.name()),
                patch.has("parentId")
                        ? Optional.ofNullable(patch.get("parentId").textValue()).map(MailboxId::of)
                        : mailbox.parentId(),
                mailbox.path());
    }

    private static Mailbox at(Mailbox mailbox, String name, Optional<MailboxId> parentId, String path) {
        return new Mailbox(
                mailbox.id(),
                name,
                parentId,
                path,
                mailbox.role(),
                mailbox.sortOrder(),
                mailbox.totalEmails(),
                mailbox.unreadEmails(),
                mailbox.isSubscribed());
    }

    private static String path(Mailbox mailbox, Map<MailboxId, Mailbox> mailboxes) {
        List<String> names = new ArrayList<>();
        Set<MailboxId> seen = new HashSet<>();
        Optional<Mailbox> step = Optional.of(mailbox);
        while (step.isPresent() && seen.add(step.get().id()) && names.size() < DEPTH_MAX) {
            names.addFirst(step.get().name());
            step = step.get().parentId().map(mailboxes::get);
        }
        return String.join("/", names);
    }
}
