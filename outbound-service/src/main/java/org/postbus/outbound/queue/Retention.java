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
 * Deletes mutations and submissions that ended long ago, old changes, old entries of the audit log and old quarantined records, of all tenants. Page
 * by page, each in its own transaction; any number of processes may do it at the same time. The change log is partitioned by weeks: partitions
 * are created ahead here, and dropped.
 */
public final class Retention implements AutoCloseable {
    /** An Idempotency-Key gets the same answer for a day, so the objects that the answer names must exist. */
    private static final Duration KEEP_MIN = Duration.ofDays(1);
    /** Rows per transaction, which takes some tens of milliseconds. */
    static final int ROWS_MAX = 1_000;
    /** Partitions of the change log that exist before their week begins. Without them its rows are in the default partition. */
    private static final int WEEKS_AHEAD = 4;

    /**
     * How long rows are kept after they ended, or, for changes, the audit log and quarantined records, after they were appended.
     */
    public record Kept(
            Duration mutations, Duration submissions, Duration changes, Duration audit, Duration quarantine) {
        Stream<Duration> all() {
            return Stream.of(mutations, submissions, changes, audit, quarantine);
        }
    }

    /** @param function the SQL function that deletes the table's rows that are older than {@code keep} */
    private record Expiry(String table, String function, Duration keep) {}

    private final TenantTransactions database;
    private final OutboundMetrics metrics;
    private final List<Expiry> expiries;
    private final Duration keepChanges;
    private final PeriodicJob job;
    private volatile boolean closed;

    /**
     * @param pause between the end of a run and the next, and before the first
     * @throws IllegalArgumentException if something is to be kept for less than a day
     */
    public Retention(TenantTransactions database, OutboundMetrics metrics, Kept kept, Duration pause) {
        if (kept.all().anyMatch(keep -> keep.compareTo(KEEP_MIN) < 0)) {
            throw new IllegalArgumentException(
                    "mutations, submissions, changes, the audit log and quarantined records are kept for a day at least");
        }
        this.database = database;
        this.metrics = metrics;
        this.keepChanges = kept.changes();
        this.expiries = List.of(
                new Expiry("pending_changes", "delete_ended_mutations", kept.mutations()),
                new Expiry("submission", "delete_ended_submissions", kept.submissions()),
                new Expiry("change_log", "delete_old_changes", kept.changes()),
                new Expiry("audit_log", "delete_old_audit", kept.audit()),
                new Expiry("quarantine", "delete_old_quarantine", kept.quarantine()));
        this.job = new PeriodicJob("retention", pause, () -> deleteOld(Instant.now()));
    }

    public void start() {
        job.startAfterPause();
    }

    /** Deletes pages until nothing is left that is too old. */
    void deleteOld(Instant now) {
        partition(now);
        for (Expiry expiry : expiries) {
            int deleted = ROWS_MAX;
            while (deleted >= ROWS_MAX && !closed) {
                deleted = number(
                        "select " + expiry.function() + "($1, $2)",
                        Tuple.of(now.minus(expiry.keep()).atOffset(ZoneOffset.UTC), ROWS_MAX));
                metrics.deleted(expiry.table(), deleted);
            }
        }
    }

    /** A week at a time, and only where whole weeks are too old. */
    private void partition(Instant now) {
        number("select create_change_partitions($1)", Tuple.of(WEEKS_AHEAD));
        int dropped = number(
                "select drop_old_change_partitions($1)",
                Tuple.of(now.minus(keepChanges).atOffset(ZoneOffset.UTC)));
        metrics.deleted("change_log_partition", dropped);
    }

    private int number(String sql, Tuple parameters) {
        return database.query(sql, parameters).iterator().next().getInteger(0);
    }

    @Override
    public void close() {
        closed = true;
        job.close();
    }
}
