package org.postbus.gateway.account;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;
import org.postbus.model.MailboxId;

/** A row of {@code quarantined_message}. */
@Entity
@Immutable
@Table(name = "quarantined_message")
class QuarantinedMessageRow {
    @Id
    @Column(name = "quarantine_id")
    UUID quarantineId;

    @Column(name = "account_id")
    UUID accountId;

    @Column(name = "mailbox_id")
    UUID mailboxId;

    @Column(name = "uidvalidity")
    long uidValidity;

    long uid;
    String reason;

    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant at;

    QuarantinedMessage message() {
        return new QuarantinedMessage(quarantineId, new MailboxId(mailboxId), uidValidity, uid, reason, at);
    }
}
