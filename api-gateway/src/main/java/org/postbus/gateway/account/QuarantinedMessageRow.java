package org.postbus.gateway.account;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;
import org.postbus.model.MailboxId;

/** A row of {@code quarantine_view}. */
@Entity
@Immutable
@Table(name = "quarantine_view")
class QuarantinedMessageRow {
    @Id
    @Column(name = "quarantine_id")
    UUID quarantineId;

    @Column(name = "account_id")
    UUID accountId;

    @Column(name = "mailbox_id")
    UUID mailboxId;

    @Column(name = "uidvalidity")
    Long uidValidity;

    Long uid;

    @Column(name = "jmap_id")
    String jmapId;

    String state;
    String reason;

    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant at;

    int refusals;

    @Column(name = "last_failed_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant lastFailedAt;

    @Column(name = "next_try_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant nextTryAt;

    QuarantinedMessage message() {
        return new QuarantinedMessage(
                quarantineId,
                Optional.ofNullable(mailboxId).map(MailboxId::new),
                Optional.ofNullable(uidValidity),
                Optional.ofNullable(uid),
                Optional.ofNullable(jmapId),
                QuarantinedMessage.State.of(state),
                reason,
                at,
                refusals,
                lastFailedAt,
                nextTryAt);
    }
}
