package org.postbus.writer.table;

import java.time.Instant;
import java.util.Optional;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** {@code sync_log}: the latest passes and errors of an account. */
public final class SyncLogTable {
    /** With a pass every 30 s, the last four hours. */
    static final int ENTRIES_MAX = 500;

    private SyncLogTable() {}

    /**
     * @param created number of emails, as are the next two
     * @param error for people; empty if the pass ended without one
     */
    public record Entry(
            Instant startedAt,
            Instant finishedAt,
            long created,
            long updated,
            long destroyed,
            Optional<String> error) {}

    public static void append(Transaction transaction, TenantId tenant, AccountId account, Entry entry) {
        transaction.send(
                """
                insert into sync_log (account_id, tenant_id, started_at, finished_at, created, updated, destroyed, error)
                values ($1, $2, $3, $4, $5, $6, $7, $8)""",
                account.value(),
                tenant.value(),
                Columns.time(entry.startedAt()),
                Columns.time(entry.finishedAt()),
                entry.created(),
                entry.updated(),
                entry.destroyed(),
                entry.error().orElse(null));
        transaction.send("""
                delete from sync_log where account_id = $1 and entry_id <= (
                  select entry_id from sync_log where account_id = $1 order by entry_id desc offset $2 limit 1)""", account.value(), (long) ENTRIES_MAX);
    }
}
