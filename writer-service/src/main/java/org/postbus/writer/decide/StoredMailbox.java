package org.postbus.writer.decide;

import java.util.Optional;
import java.util.UUID;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;
import org.postbus.observation.MailboxKey;

/** A row of {@code mailbox}. */
public record StoredMailbox(
        UUID id,
        MailboxKey key,
        Optional<String> rawName,
        String name,
        Optional<UUID> parentId,
        String path,
        Optional<MailboxRole> role,
        long sortOrder,
        boolean isSubscribed,
        boolean selectable,
        long totalEmails,
        long unreadEmails) {

    /** The mailbox as the REST API and change events show it. */
    Mailbox mailbox() {
        return new Mailbox(
                new MailboxId(id),
                name,
                parentId.map(MailboxId::new),
                path,
                role,
                sortOrder,
                totalEmails,
                unreadEmails,
                isSubscribed);
    }

    StoredMailbox movedTo(Optional<UUID> newParent, String newPath) {
        return new StoredMailbox(
                id,
                key,
                rawName,
                name,
                newParent,
                newPath,
                role,
                sortOrder,
                isSubscribed,
                selectable,
                totalEmails,
                unreadEmails);
    }

    StoredMailbox renamed(MailboxKey newKey) {
        return new StoredMailbox(
                id,
                newKey,
                rawName,
                name,
                parentId,
                path,
                role,
                sortOrder,
                isSubscribed,
                selectable,
                totalEmails,
                unreadEmails);
    }
}
