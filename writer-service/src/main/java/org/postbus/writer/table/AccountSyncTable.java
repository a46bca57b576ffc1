package org.postbus.writer.table;

import static org.postbus.writer.table.Columns.time;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Iterator;
import java.util.Optional;
import java.util.UUID;
import org.postbus.account.LimitsExceeded;
import org.postbus.account.PushKind;
import org.postbus.account.SyncState;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.writer.decide.AccountSync;
import org.postbus.writer.decide.BatchPart;
import org.postbus.writer.decide.EmailCounts;

/** {@code account_sync}: the row that serialises an account's transactions, with the sequence number of its last batch. */
public final class AccountSyncTable {
    /**
     * How long a statement of the transaction waits for a row that somebody else has locked. Short, because it holds a connection meanwhile: the
     * batch is tried again later, and other accounts do not wait for it.
     */
    private static final Duration LOCK_WAIT_MAX = Duration.ofMillis(400);

    private AccountSyncTable() {}

    /** Locks the account until the transaction ends. {@link #locked} reads the answer. */
    public static Future<RowSet<Row>> lock(Transaction transaction, AccountId account) {
        transaction.send("select set_config('lock_timeout', $1, true)", LOCK_WAIT_MAX.toMillis() + "ms");
        return transaction.query("""
                select fence, applied_seq, change_seq, passes_finished, initial_done, state, last_synced_at, last_error, retry_at, push,
                       limits_exceeded_times, limits_exceeded_revision,
                       reported_state, reported_error, pass_created, pass_updated, pass_destroyed,
                       part_fence, part_seq, part_observations, part_rows, part_refused
                from account_sync where account_id = $1 for update""", account.value());
    }

    /** Empty: the tenant has no such account. */
    public static Optional<AccountSync> locked(RowSet<Row> answer) {
        Iterator<Row> rows = answer.iterator();
        if (!rows.hasNext()) {
            return Optional.empty();
        }
        Row row = rows.next();
        return Optional.of(new AccountSync(new AccountSync.Row(
                row.getLong("fence"),
                row.getLong("applied_seq"),
                row.getLong("change_seq"),
                row.getLong("passes_finished"),
                row.getBoolean("initial_done"),
                instant(row, "last_synced_at"),
                SyncState.of(row.getString("state")),
                Optional.ofNullable(row.getString("last_error")),
                instant(row, "retry_at"),
                Optional.ofNullable(row.getString("push")).map(PushKind::of),
                Optional.of(row.getInteger("limits_exceeded_times"))
                        .filter(times -> times > 0)
                        .map(times -> new LimitsExceeded(times, row.getLong("limits_exceeded_revision"))),
                new AccountSync.Reported(
                        SyncState.of(row.getString("reported_state")),
                        Optional.ofNullable(row.getString("reported_error"))),
                new EmailCounts(
                        row.getLong("pass_created"), row.getLong("pass_updated"), row.getLong("pass_destroyed")),
                new BatchPart(
                        row.getLong("part_fence"),
                        row.getLong("part_seq"),
                        row.getInteger("part_observations"),
                        row.getLong("part_rows"),
                        row.getBoolean("part_refused")))));
    }

    public static void save(Transaction transaction, AccountId account, AccountSync.Row row) {
        transaction.send(
                """
                update account_sync set applied_seq = $2, change_seq = $3, passes_finished = $4, initial_done = $5, state = $6,
                       last_synced_at = $7, last_error = $8, retry_at = $9, push = $10, reported_state = $11,
                       reported_error = $12, pass_created = $13, pass_updated = $14, pass_destroyed = $15,
                       limits_exceeded_times = $16, limits_exceeded_revision = $17,
                       part_fence = $18, part_seq = $19, part_observations = $20, part_rows = $21, part_refused = $22
                where account_id = $1""",
                account.value(),
                row.appliedSeq(),
                row.changeSeq(),
                row.passesFinished(),
                row.initialDone(),
                row.state().wireName(),
                time(row.lastSyncedAt()),
                row.lastError().orElse(null),
                time(row.retryAt()),
                row.push().map(PushKind::wireName).orElse(null),
                row.reported().state().wireName(),
                row.reported().error().orElse(null),
                row.counts().created(),
                row.counts().updated(),
                row.counts().destroyed(),
                row.limitsExceeded().map(LimitsExceeded::times).orElse(0),
                row.limitsExceeded().map(LimitsExceeded::revision).orElse(0L),
                row.part().fence(),
                row.part().seq(),
                row.part().observations(),
                row.part().rows(),
                row.part().refused());
    }

    /** Ends the current claim: the fetcher finds its fence outdated and claims the account anew. */
    public static void raiseFence(Transaction transaction, AccountId account, long newFence) {
        transaction.send(
                "update account_sync set fence = $2, applied_seq = 0 where account_id = $1", account.value(), newFence);
    }

    /**
     * Ends the current claim, because a batch of the account is in quarantine.
     *
     * @param fullPass whether the next claim ignores the cursors
     */
    public static void endClaim(Transaction transaction, AccountId account, boolean fullPass) {
        transaction.send("""
                update account_sync set fence = fence + 1, applied_seq = 0, full_pass_wanted = full_pass_wanted or $2
                where account_id = $1""", account.value(), fullPass);
    }

    /** Makes the next claim ignore the cursors, unless the account had other quarantined records within the last hour. */
    public static void wantFullPass(Transaction transaction, AccountId account) {
        transaction.send("""
                update account_sync set full_pass_wanted = true
                where account_id = $1 and quarantined_recently($1) <= 1""", account.value());
    }

    /** The account's tenant, looked up across tenants. Empty: there is no such account. */
    public static Optional<TenantId> tenantOf(Transaction transaction, AccountId account) {
        UUID tenant = transaction
                .run("select tenant_of_account($1) as tenant_id", account.value())
                .iterator()
                .next()
                .getUUID("tenant_id");
        return Optional.ofNullable(tenant).map(TenantId::new);
    }

    private static Optional<Instant> instant(Row row, String column) {
        return Optional.ofNullable(row.getOffsetDateTime(column)).map(OffsetDateTime::toInstant);
    }
}
