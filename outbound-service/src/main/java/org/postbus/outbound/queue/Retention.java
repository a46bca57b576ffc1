package org.postbus.outbound.queue;

import org.postbus.kit.InfrastructureFailureException;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import org.postbus.kit.sql.TenantTransactions;

/**
 * Deletes mutations and messages that ended long ago, and old changes, of all tenants. In portions, each a transaction of its own; any
 * number of processes may do it at the same time.
 */
public final class Retention implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(Retention.class);
    /** So long an Idempotency-Key gets the same answer; what the answer names must be there. */
    private static final Duration KEEP_MIN = Duration.ofDays(1);
    /** Rows of one transaction: some tens of milliseconds. */
    static final int PORTION = 1_000;

    /** A table of which a function of the database deletes what is older than {@code keep}. */
    private record Sweep(String table, String function, Duration keep) {}

    private final Vertx vertx;
    private final TenantTransactions database;
    private final OutboundMetrics metrics;
    private final List<Sweep> sweeps;
    private final Duration pause;
    private volatile boolean closed;

    /**
     * @param pause between the end of a sweep and the next, and before the first
     * @throws IllegalArgumentException if something is to be kept for less than a day
     */
    public Retention(
            Vertx vertx,
            TenantTransactions database,
            OutboundMetrics metrics,
            Duration keepMutations,
            Duration keepSubmissions,
            Duration keepChanges,
            Duration pause) {
        if (Stream.of(keepMutations, keepSubmissions, keepChanges).anyMatch(keep -> keep.compareTo(KEEP_MIN) < 0)) {
            throw new IllegalArgumentException("mutations, submissions and changes are kept for a day at least");
        }
        this.vertx = vertx;
        this.database = database;
        this.metrics = metrics;
        this.sweeps = List.of(
                new Sweep("pending_changes", "delete_ended_mutations", keepMutations),
                new Sweep("submission", "delete_ended_submissions", keepSubmissions),
                new Sweep("change_log", "delete_old_changes", keepChanges));
        this.pause = pause;
    }

    public void start() {
        vertx.setTimer(
                pause.toMillis(), due -> Thread.ofVirtual().name("retention").start(this::sweepAndGoOn));
    }

    private void sweepAndGoOn() {
        try {
            sweep(Instant.now());
        } catch (InfrastructureFailureException e) {
            LOG.warnf("what is old was not deleted: %s", e.getMessage());
        }
        if (!closed) {
            start();
        }
    }

    /** Until nothing is left that is too old. */
    void sweep(Instant now) {
        for (Sweep sweep : sweeps) {
            int deleted = PORTION;
            while (deleted >= PORTION && !closed) {
                deleted = database.query(
                                "select " + sweep.function() + "($1, $2)",
                                Tuple.of(now.minus(sweep.keep()).atOffset(ZoneOffset.UTC), PORTION))
                        .iterator()
                        .next()
                        .getInteger(0);
                metrics.swept(sweep.table(), deleted);
            }
        }
    }

    @Override
    public void close() {
        closed = true;
    }
}
