package org.postbus.outbound.queue;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;
import org.postbus.outbound.mutation.MutationOutcome;

/** What this service counts. The names are a contract with dashboards. */
public final class OutboundMetrics {
    private final MeterRegistry registry;

    public OutboundMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    public void outcome(MutationOutcome outcome) {
        String name =
                switch (outcome) {
                    case MutationOutcome.Applied applied -> "applied";
                    case MutationOutcome.Rejected rejected -> "rejected";
                    case MutationOutcome.Deferred deferred -> "retried";
                    case MutationOutcome.LocationUnknown unknown -> "unplaced";
                    case MutationOutcome.NeedsLogin needsLogin -> "needs-login";
                    case MutationOutcome.Released released -> "released";
                    case MutationOutcome.Failed failed -> "failed";
                };
        registry.counter("postbus.outbound.wishes", "outcome", name).increment();
    }

    /** @param outcome see {@code SubmissionOutcome.label()} */
    public void submission(String outcome) {
        registry.counter("postbus.outbound.submissions", "outcome", outcome).increment();
    }

    /** A result that did not count: the mutation had been taken over or discarded. */
    public void lostClaims(int mutations) {
        registry.counter("postbus.outbound.claims.lost").increment(mutations);
    }

    /** @param table of which so many rows were deleted because they were old */
    void swept(String table, int rows) {
        registry.counter("postbus.outbound.swept", "table", table).increment(rows);
    }

    void malformedBell() {
        registry.counter("postbus.outbound.bells.malformed").increment();
    }

    public void flushed(Duration time) {
        Timer.builder("postbus.outbound.flush")
                .publishPercentileHistogram()
                .register(registry)
                .record(time);
    }

    public void watch(Supplier<Number> running, Supplier<Number> idleConnections, Supplier<Number> submissionsRunning) {
        Gauge.builder("postbus.outbound.flushes.running", running).register(registry);
        Gauge.builder("postbus.outbound.submissions.running", submissionsRunning)
                .register(registry);
        Gauge.builder("postbus.outbound.connections.idle", idleConnections).register(registry);
    }

    public void watch(QueueStates states) {
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
