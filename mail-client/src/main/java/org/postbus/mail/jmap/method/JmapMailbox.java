package org.postbus.mail.jmap.method;

import java.util.Objects;
import java.util.Optional;
import org.postbus.model.MailboxRole;

/** A Mailbox as the server reports it (RFC 8621 section 2); ids are the server's. */
public record JmapMailbox(
        String id,
        String name,
        Optional<String> parentId,
        Optional<MailboxRole> role,
        long sortOrder,
        long totalEmails,
        long unreadEmails,
        boolean isSubscribed,
        boolean mayReadItems) {
    public JmapMailbox {
        Objects.requireNonNull(id);
        Objects.requireNonNull(name);
        Objects.requireNonNull(parentId);
        Objects.requireNonNull(role);
    }
}
