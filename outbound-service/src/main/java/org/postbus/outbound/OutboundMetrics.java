package org.postbus.outbound;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;

/** What this service counts. The names are a contract with dashboards. */
public final class OutboundMetrics {
    private final MeterRegistry registry;

    public OutboundMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    void outcome(Outcome outcome) {
        String name =
                switch (outcome) {
                    case Outcome.Applied applied -> "applied";
                    case Outcome.Rejected rejected -> "rejected";
                    case Outcome.Deferred deferred -> "retried";
                    case Outcome.Unplaced unplaced -> "unplaced";
                    case Outcome.NeedsLogin needsLogin -> "needs-login";
                    case Outcome.Released released -> "released";
                    case Outcome.Failed failed -> "failed";
                };
        registry.counter("postbus.outbound.wishes", "outcome", name).increment();
    }

    /** @param outcome see {@code SubmissionOutcome.label()} */
    public void submission(String outcome) {
        registry.counter("postbus.outbound.submissions", "outcome", outcome).increment();
    }

    /** A result that did not count: the wish had been taken over or discarded. */
    public void lostClaims(int wishes) {
        registry.counter("postbus.outbound.claims.lost").increment(wishes);
    }

    /** @param table of which so many rows were deleted because they were old */
    void swept(String table, int rows) {
        registry.counter("postbus.outbound.swept", "table", table).increment(rows);
    }

    void malformedBell() {
        registry.counter("postbus.outbound.bells.malformed").increment();
    }

    void flushed(Duration time) {
        Timer.builder("postbus.outbound.flush")
                .publishPercentileHistogram()
                .register(registry)
                .record(time);
    }

    void watch(Supplier<Number> running, Supplier<Number> idleConnections, Supplier<Number> submissionsRunning) {
        Gauge.builder("postbus.outbound.flushes.running", running).register(registry);
        Gauge.builder("postbus.outbound.submissions.running", submissionsRunning)
                .register(registry);
        Gauge.builder("postbus.outbound.connections.idle", idleConnections).register(registry);
    }

    void watch(QueueStates states) {
        for (QueueStates.Key key : QueueStates.KEYS) {
            Gauge.builder("postbus.outbound.queue", () -> states.items(key))
                    .tags("queue", key.queue(), "state", key.state())
                    .register(registry);
            Gauge.builder("postbus.outbound.queue.oldest.seconds", () -> states.oldestSeconds(key, Instant.now()))
                    .tags("queue", key.queue(), "state", key.state())
                    .register(registry);
        }
    }
}
