package org.postbus.model;

import java.util.Objects;
import java.util.Optional;

/**
 * A mailbox as readers and subscribers see it (RFC 8621 section 2).
 *
 * @param path not in the RFC: the names from the root to this mailbox, joined by {@code /}
 * @param totalEmails as the server counts them
 * @param unreadEmails as the server counts them
 */
public record Mailbox(
        MailboxId id,
        String name,
        Optional<MailboxId> parentId,
        String path,
        Optional<MailboxRole> role,
        long sortOrder,
        long totalEmails,
        long unreadEmails,
        boolean isSubscribed) {
    public Mailbox {
        Objects.requireNonNull(id);
        Objects.requireNonNull(name);
        Objects.requireNonNull(parentId);
        Objects.requireNonNull(path);
        Objects.requireNonNull(role);
    }
}
