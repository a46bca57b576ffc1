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

/** A row of {@code sync_log}. */
@Entity
@Immutable
@Table(name = "sync_log")
class SyncLogRow {
    @Id
    @Column(name = "entry_id")
    UUID entryId;

    @Column(name = "account_id")
    UUID accountId;

    @Column(name = "started_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant startedAt;

    @Column(name = "finished_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant finishedAt;

    long created;
    long updated;
    long destroyed;
    String error;

    SyncLogEntry entry() {
        return new SyncLogEntry(
                entryId, startedAt, finishedAt, created, updated, destroyed, Optional.ofNullable(error));
    }
}
