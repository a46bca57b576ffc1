package org.postbus.outbound.queue;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;
import org.postbus.outbound.mutation.MutationOutcome;

/** The metrics of this service. Dashboards and alerts rely on their names. */
public final class OutboundMetrics {
    private final MeterRegistry registry;

    public OutboundMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    public void outcome(MutationOutcome outcome) {
        registry.counter("postbus.outbound.mutation.attempts", "outcome", outcome.label())
                .increment();
    }

    /** @param outcome see {@code SubmissionOutcome.label()} */
    public void submission(String outcome) {
        registry.counter("postbus.outbound.submissions", "outcome", outcome).increment();
    }

    /** Outcomes that were not stored, because the item was claimed by another process or discarded. */
    public void lostClaims(int items) {
        registry.counter("postbus.outbound.claims.lost").increment(items);
    }

    /** Rows that {@link Retention} has deleted. */
    void deleted(String table, int rows) {
        registry.counter("postbus.outbound.swept", "table", table).increment(rows);
    }

    void malformedNotification() {
        registry.counter("postbus.outbound.bells.malformed").increment();
    }

    public void flushed(Duration time) {
        Timer.builder("postbus.outbound.flush")
                .publishPercentileHistogram()
                .register(registry)
                .record(time);
    }

    public void watch(
            Supplier<Number> flushesRunning, Supplier<Number> idleConnections, Supplier<Number> submissionsRunning) {
        Gauge.builder("postbus.outbound.flushes.running", flushesRunning).register(registry);
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
