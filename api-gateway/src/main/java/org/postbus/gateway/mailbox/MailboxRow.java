package org.postbus.gateway.mailbox;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;

/** A row of {@code mailbox}. */
@Entity
@Immutable
@Table(name = "mailbox")
class MailboxRow {
    @Id
    @Column(name = "mailbox_id")
    UUID mailboxId;

    @Column(name = "account_id")
    UUID accountId;

    String name;

    @Column(name = "parent_id")
    UUID parentId;

    String path;
    String role;

    @Column(name = "sort_order")
    long sortOrder;

    @Column(name = "total_emails")
    long totalEmails;

    @Column(name = "unread_emails")
    long unreadEmails;

    @Column(name = "is_subscribed")
    boolean subscribed;

    Mailbox mailbox() {
        return new Mailbox(
                new MailboxId(mailboxId),
                name,
                Optional.ofNullable(parentId).map(MailboxId::new),
                path,
                Optional.ofNullable(role).flatMap(MailboxRole::find),
                sortOrder,
                totalEmails,
                unreadEmails,
                subscribed);
    }
}
