package org.postbus.outbound.table;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import org.postbus.model.AccountId;
import org.postbus.outbound.retry.QueueHold;

/** The table {@code outbound_hold}: the queues of accounts that wait for their server, with the reason and the next try. */
public final class HoldTable {
    /**
     * One process at a time claims from a queue. A hold of an earlier revision of the account counts no more: its login has changed.
     */
    private static final String ENTER = """
            select pg_try_advisory_xact_lock(hashtextextended($3::text || '/' || a.account_id::text, 0)) as locked,
                   h.account_id is not null as held,
                   case when h.revision = a.revision then h.failures else 0 end as failures,
                   coalesce(h.revision = a.revision and h.next_try_at > now(), false) as waits
            from account a
            left join outbound_hold h on h.account_id = a.account_id and h.queue = $2
            where a.account_id = $1
            """;

    private static final String HOLD = """
            insert into outbound_hold as h (account_id, queue, tenant_id, revision, reason, error, next_try_at)
            select account_id, $2, tenant_id, $3, $4, $5, now() + $6 * interval '1 millisecond'
            from account where account_id = $1
            on conflict (account_id, queue) do update
            set failures = case when h.revision = excluded.revision then h.failures + 1 else 1 end,
                since = case when h.revision = excluded.revision then h.since else excluded.since end,
                revision = excluded.revision, reason = excluded.reason, error = excluded.error,
                next_try_at = excluded.next_try_at
            """;

    private static final String END = "delete from outbound_hold where account_id = $1 and queue = $2";

    private final QueueHold.Queue queue;
    private final String lock;

    /** @param lock names the advisory lock that claims from this queue take */
    HoldTable(QueueHold.Queue queue, String lock) {
        this.queue = queue;
        this.lock = lock;
    }

    /**
     * @param locked whether no other process is claiming from the queue
     * @param waits whether the queue waits for its server
     * @param held whether there is a row, even of an earlier revision: it is deleted when the server answers
     * @param failures of the server in a row until now; 0 if it answered last time
     */
    record Entry(boolean locked, boolean waits, boolean held, int failures) {}

    /** Before a claim, in its transaction. */
    Future<Entry> enter(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(ENTER)
                .execute(Tuple.of(account.value(), queue.wireName(), lock))
                .map(rows -> {
                    if (rows.rowCount() == 0) {
                        return new Entry(false, false, false, 0);
                    }
                    Row row = rows.iterator().next();
                    return new Entry(
                            row.getBoolean("locked"),
                            row.getBoolean("waits"),
                            row.getBoolean("held"),
                            row.getInteger("failures"));
                });
    }

    /**
     * The queue waits, or goes on waiting.
     *
     * @param revision of the account when the server failed
     * @param delay until the next try
     */
    Future<Void> hold(SqlConnection connection, AccountId account, long revision, QueueHold hold, Duration delay) {
        return connection
                .preparedQuery(HOLD)
                .execute(Tuple.of(
                        account.value(),
                        queue.wireName(),
                        revision,
                        hold.reason().wireName(),
                        ErrorText.storable(hold.text()),
                        delay.toMillis()))
                .mapEmpty();
    }

    /** The server has answered. */
    Future<Void> end(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(END)
                .execute(Tuple.of(account.value(), queue.wireName()))
                .mapEmpty();
    }
}
