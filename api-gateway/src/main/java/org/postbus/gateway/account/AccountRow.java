package org.postbus.gateway.account;

import io.smallrye.mutiny.Uni;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.annotations.Formula;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.reactive.mutiny.Mutiny;
import org.hibernate.type.SqlTypes;
import org.postbus.account.AccountSettings;
import org.postbus.account.PushKind;
import org.postbus.account.SyncState;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.AccountId;
import org.postbus.topic.AccountRecord;

/** A row of {@code account_view}: an account and the state of its sync. */
@Entity
@Immutable
@Table(name = "account_view")
public class AccountRow {
    @Id
    @Column(name = "account_id")
    UUID accountId;

    String protocol;
    String email;
    String settings;
    String status;

    @Column(name = "created_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant createdAt;

    @Column(name = "sync_state")
    String syncState;

    @Column(name = "last_synced_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant lastSyncedAt;

    @Column(name = "last_error")
    String lastError;

    @Column(name = "retry_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant retryAt;

    String push;
    long deferred;
    long quarantined;

    @Formula("(select w.since from sync_wait w where w.account_id = account_id)")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant waitsForKafkaSince;

    /** Fails with a 404 problem if the tenant has no such account. */
    public static Uni<AccountRow> require(Mutiny.Session session, AccountId account) {
        return session.createQuery("from AccountRow where accountId = :account", AccountRow.class)
                .setParameter("account", account.value())
                .getSingleResultOrNull()
                .onItem()
                .ifNull()
                .failWith(() -> Problem.notFound("account"));
    }

    Account account() {
        return Account.of(
                new AccountId(accountId),
                email,
                AccountRecord.Status.of(status),
                createdAt,
                EventCodec.decode(settings, AccountSettings.class),
                new Account.Sync(
                        SyncState.of(syncState),
                        Optional.ofNullable(lastSyncedAt),
                        Optional.ofNullable(lastError),
                        Optional.ofNullable(retryAt),
                        Optional.ofNullable(push).map(PushKind::of),
                        deferred,
                        quarantined,
                        Optional.ofNullable(waitsForKafkaSince)));
    }
}
