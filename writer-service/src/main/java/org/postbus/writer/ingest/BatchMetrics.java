package org.postbus.writer.ingest;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.function.Consumer;
import org.postbus.kit.concurrent.PermitWaits;
import org.postbus.writer.apply.BatchApplier.Outcome;

/** Metrics of applying batches. Dashboards and alerts depend on their names. */
public final class BatchMetrics {
    private final MeterRegistry registry;
    private final Timer apply;
    private final Counter changes;
    private final Counter retries;
    private final Counter parts;
    private final Counter refused;

    public BatchMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.apply = Timer.builder("postbus.batch.apply")
                .description("One batch, from decoding to commit")
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(1))
                .maximumExpectedValue(Duration.ofSeconds(60))
                .register(registry);
        this.changes = Counter.builder("postbus.changes.logged").register(registry);
        this.retries = Counter.builder("postbus.batch.retries")
                .description("Attempts that failed because the database or the broker was not available")
                .register(registry);
        this.parts = Counter.builder("postbus.batch.parts")
                .description("Transactions that applied a part of a batch, because it was too large for one")
                .register(registry);
        this.refused = Counter.builder("postbus.observations.refused")
                .description("Observations that were quarantined alone, while the rest of their batch was applied")
                .register(registry);
        // All of them exist from the start, so that a rate of 0 differs from missing data.
        for (String outcome :
                new String[] {"applied", "stale", "duplicate", "gap", "account-gone", "quarantined", "expired"}) {
            batches(outcome);
        }
    }

    void count(Outcome outcome) {
        switch (outcome) {
            case Outcome.Applied applied -> {
                batches("applied").increment();
                changes.increment(applied.changes());
            }
            case Outcome.AppliedInPart part -> {
                parts.increment();
                changes.increment(part.changes());
            }
            case Outcome.Stale stale -> batches("stale").increment();
            case Outcome.Duplicate duplicate -> batches("duplicate").increment();
            case Outcome.Gap gap -> batches("gap").increment();
            case Outcome.AccountGone gone -> batches("account-gone").increment();
        }
    }

    void quarantined() {
        batches("quarantined").increment();
    }

    void refused() {
        refused.increment();
    }

    /** The topic deleted the record before it could be applied. */
    void expired() {
        batches("expired").increment();
    }

    /** What waits to be applied. */
    void queues(RecordMemory memory) {
        Gauge.builder("postbus.batches.held", memory, RecordMemory::bytesHeld)
                .baseUnit("bytes")
                .description("Octets of records that wait to be applied")
                .register(registry);
        Gauge.builder("postbus.batches.left", memory, RecordMemory::recordsLeft)
                .description("Records that wait to be applied and are read from Kafka again then")
                .register(registry);
    }

    void retried() {
        retries.increment();
    }

    /** Waits of records that were read, for the tenants' turns. */
    Consumer<Duration> permitWaits() {
        return PermitWaits.of(registry, "apply");
    }

    Timer apply() {
        return apply;
    }

    private Counter batches(String outcome) {
        return Counter.builder("postbus.batches").tag("outcome", outcome).register(registry);
    }
}
