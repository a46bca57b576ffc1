package org.postbus.outbound.queue;

import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.Stream;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;

/**
 * Deletes mutations and submissions that ended long ago, old changes and old entries of the audit log, of all tenants. Page by page, each in its own transaction; any
 * number of processes may do it at the same time.
 */
public final class Retention implements AutoCloseable {
    /** An Idempotency-Key gets the same answer for a day, so the objects that the answer names must exist. */
    private static final Duration KEEP_MIN = Duration.ofDays(1);
    /** Rows per transaction, which takes some tens of milliseconds. */
    static final int ROWS_MAX = 1_000;

    /**
     * How long rows are kept after they ended, or, for changes and the audit log, after they were appended.
     */
    public record Kept(Duration mutations, Duration submissions, Duration changes, Duration audit) {}

    /** @param function the SQL function that deletes the table's rows that are older than {@code keep} */
    private record Expiry(String table, String function, Duration keep) {}

    private final TenantTransactions database;
    private final OutboundMetrics metrics;
    private final List<Expiry> expiries;
    private final PeriodicJob job;
    private volatile boolean closed;

    /**
     * @param pause between the end of a run and the next, and before the first
     * @throws IllegalArgumentException if something is to be kept for less than a day
     */
    public Retention(TenantTransactions database, OutboundMetrics metrics, Kept kept, Duration pause) {
        if (Stream.of(kept.mutations(), kept.submissions(), kept.changes(), kept.audit())
                .anyMatch(keep -> keep.compareTo(KEEP_MIN) < 0)) {
            throw new IllegalArgumentException(
                    "mutations, submissions, changes and the audit log are kept for a day at least");
        }
        this.database = database;
        this.metrics = metrics;
        this.expiries = List.of(
                new Expiry("pending_changes", "delete_ended_mutations", kept.mutations()),
                new Expiry("submission", "delete_ended_submissions", kept.submissions()),
                new Expiry("change_log", "delete_old_changes", kept.changes()),
                new Expiry("audit_log", "delete_old_audit", kept.audit()));
        this.job = new PeriodicJob("retention", pause, () -> deleteOld(Instant.now()));
    }

    public void start() {
        job.startAfterPause();
    }

    /** Deletes pages until nothing is left that is too old. */
    void deleteOld(Instant now) {
        for (Expiry expiry : expiries) {
            int deleted = ROWS_MAX;
            while (deleted >= ROWS_MAX && !closed) {
                deleted = database.query(
                                "select " + expiry.function() + "($1, $2)",
                                Tuple.of(now.minus(expiry.keep()).atOffset(ZoneOffset.UTC), ROWS_MAX))
                        .iterator()
                        .next()
                        .getInteger(0);
                metrics.deleted(expiry.table(), deleted);
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        job.close();
    }
}
