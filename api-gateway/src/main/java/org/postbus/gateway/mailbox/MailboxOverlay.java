package org.postbus.gateway.mailbox;

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

/** Applies the open mutations of mailboxes to the mailboxes of the mail server. Pure. */
public final class MailboxOverlay {
    /** Deeper than any server nests mailboxes. Ends the walk up if mutations have made a cycle. */
    private static final int DEPTH_MAX = 100;

    private MailboxOverlay() {}

    /**
     * An open mutation of a mailbox.
     *
     * @param kind {@code mailbox-create}, {@code mailbox-update} or {@code mailbox-destroy}
     * @param patch as {@link MailboxPatch} wrote it
     */
    public record Mutation(String kind, MailboxId mailboxId, JsonNode patch) {
        public Mutation {
            Objects.requireNonNull(kind);
            Objects.requireNonNull(mailboxId);
            Objects.requireNonNull(patch);
        }
    }

    /**
     * @param server the mailboxes of the mail server
     * @param open oldest first
     * @return ordered by path
     */
    public static List<Mailbox> apply(List<Mailbox> server, List<Mutation> open) {
        Map<MailboxId, Mailbox> mailboxes = new LinkedHashMap<>();
        server.forEach(mailbox -> mailboxes.put(mailbox.id(), mailbox));
        for (Mutation mutation : open) {
            Mailbox before = mailboxes.get(mutation.mailboxId());
            switch (mutation.kind()) {
                case "mailbox-create" -> {
                    if (before == null) {
                        mailboxes.put(mutation.mailboxId(), changed(created(mutation.mailboxId()), mutation.patch()));
                    }
                }
                case "mailbox-update" -> {
                    if (before != null) {
                        mailboxes.put(before.id(), changed(before, mutation.patch()));
                    }
                }
                case "mailbox-destroy" -> mailboxes.remove(mutation.mailboxId());
                default -> throw new IllegalArgumentException("no mutation of a mailbox: " + mutation.kind());
            }
        }
        if (open.isEmpty()) {
            return server;
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
