package org.postbus.writer.table;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Iterator;
import java.util.Optional;
import java.util.UUID;
import org.postbus.account.PushKind;
import org.postbus.account.SyncState;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.writer.decide.AccountSync;

/** {@code account_sync}: the row that serialises an account, and where it stands in the chain of batches. */
public final class AccountSyncTable {
    private AccountSyncTable() {}

    /** Locks the account until the transaction ends. */
    public static Future<RowSet<Row>> askLock(Transaction transaction, AccountId account) {
        return transaction.ask("""
                select fence, applied_seq, change_seq, passes_finished, initial_done, state, last_synced_at, last_error, retry_at, push,
                       reported_state, reported_error, pass_created, pass_updated, pass_destroyed
                from account_sync where account_id = $1 for update""", account.value());
    }

    /** Empty: there is no such account of this tenant. */
    public static Optional<AccountSync> locked(RowSet<Row> answer) {
        Iterator<Row> rows = answer.iterator();
        if (!rows.hasNext()) {
            return Optional.empty();
        }
        Row row = rows.next();
        AccountSync sync = new AccountSync(row.getLong("fence"));
        sync.appliedSeq = row.getLong("applied_seq");
        sync.changeSeq = row.getLong("change_seq");
        sync.pass = row.getLong("passes_finished");
        sync.initialDone = row.getBoolean("initial_done");
        sync.state = SyncState.of(row.getString("state"));
        sync.lastSyncedAt =
                Optional.ofNullable(row.getOffsetDateTime("last_synced_at")).map(OffsetDateTime::toInstant);
        sync.lastError = Optional.ofNullable(row.getString("last_error"));
        sync.retryAt = Optional.ofNullable(row.getOffsetDateTime("retry_at")).map(OffsetDateTime::toInstant);
        sync.push = Optional.ofNullable(row.getString("push")).map(PushKind::of);
        sync.announcedState = SyncState.of(row.getString("reported_state"));
        sync.announcedError = Optional.ofNullable(row.getString("reported_error"));
        sync.passCreated = row.getLong("pass_created");
        sync.passUpdated = row.getLong("pass_updated");
        sync.passDestroyed = row.getLong("pass_destroyed");
        return Optional.of(sync);
    }

    public static void save(Transaction transaction, AccountId account, AccountSync sync) {
        transaction.send(
                """
                update account_sync set applied_seq = $2, change_seq = $3, passes_finished = $4, initial_done = $5, state = $6,
                       last_synced_at = $7, last_error = $8, retry_at = $9, push = $10, reported_state = $11,
                       reported_error = $12, pass_created = $13, pass_updated = $14, pass_destroyed = $15
                where account_id = $1""",
                account.value(),
                sync.appliedSeq,
                sync.changeSeq,
                sync.pass,
                sync.initialDone,
                sync.state.wireName(),
                time(sync.lastSyncedAt),
                sync.lastError.orElse(null),
                time(sync.retryAt),
                sync.push.map(PushKind::wireName).orElse(null),
                sync.announcedState.wireName(),
                sync.announcedError.orElse(null),
                sync.passCreated,
                sync.passUpdated,
                sync.passDestroyed);
    }

    /** Whoever has the claim has lost it. */
    public static void raiseFence(Transaction transaction, AccountId account, long newFence) {
        transaction.send(
                "update account_sync set fence = $2, applied_seq = 0 where account_id = $1", account.value(), newFence);
    }

    /** The claim is lost and the cursors may not be trusted: a batch of this account is in quarantine. */
    public static void wantFullPass(Transaction transaction, AccountId account) {
        transaction.send(
                "update account_sync set fence = fence + 1, applied_seq = 0, full_pass_wanted = true where account_id = $1",
                account.value());
    }

    /** Whose account it is, past row-level security. Empty: there is no such account. */
    public static Optional<TenantId> tenantOf(Transaction transaction, AccountId account) {
        UUID tenant = transaction
                .run("select tenant_of_account($1) as tenant_id", account.value())
                .iterator()
                .next()
                .getUUID("tenant_id");
        return Optional.ofNullable(tenant).map(TenantId::new);
    }

    public static OffsetDateTime time(Instant instant) {
        return instant.atOffset(ZoneOffset.UTC);
    }

    private static OffsetDateTime time(Optional<Instant> instant) {
        return instant.map(AccountSyncTable::time).orElse(null);
    }
}
