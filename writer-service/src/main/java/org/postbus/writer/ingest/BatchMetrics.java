package org.postbus.writer.ingest;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.postbus.writer.apply.BatchApplier;

/** What the writer counts; the names are a contract with dashboards and alerts. */
public final class BatchMetrics {
    private final MeterRegistry registry;
    private final Timer apply;
    private final Counter changes;
    private final Counter published;
    private final Counter retries;
    private final AtomicInteger unpublished;

    public BatchMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.apply = Timer.builder("postbus.batch.apply")
                .description("One batch, from decoding to commit")
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(1))
                .maximumExpectedValue(Duration.ofSeconds(60))
                .register(registry);
        this.changes = Counter.builder("postbus.changes.logged").register(registry);
        this.published = Counter.builder("postbus.changes.published").register(registry);
        this.retries = Counter.builder("postbus.batch.retries")
                .description("Attempts that failed because the database or the broker was away")
                .register(registry);
        this.unpublished = registry.gauge("postbus.changes.unpublished.accounts", new AtomicInteger());
        for (String outcome : new String[] {"applied", "stale", "duplicate", "gap", "account-gone", "quarantined"}) {
            batches(outcome);
        }
    }

    void count(BatchApplier.Outcome outcome) {
        switch (outcome) {
            case BatchApplier.Outcome.Applied applied -> {
                batches("applied").increment();
                changes.increment(applied.changes());
            }
            case BatchApplier.Outcome.Stale stale -> batches("stale").increment();
            case BatchApplier.Outcome.Duplicate duplicate ->
                batches("duplicate").increment();
            case BatchApplier.Outcome.Gap gap -> batches("gap").increment();
            case BatchApplier.Outcome.AccountGone gone ->
                batches("account-gone").increment();
        }
    }

    void quarantined() {
        batches("quarantined").increment();
    }

    void retried() {
        retries.increment();
    }

    public void published(int records) {
        published.increment(records);
    }

    /** Accounts that the last sweep found with changes that are not published. */
    public void unpublishedAccounts(int accounts) {
        unpublished.set(accounts);
    }

    Timer apply() {
        return apply;
    }

    private Counter batches(String outcome) {
        return Counter.builder("postbus.batches").tag("outcome", outcome).register(registry);
    }
}
