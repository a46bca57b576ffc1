package org.postbus.writer.publish;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicInteger;

/** Metrics of publishing. Dashboards and alerts depend on their names. */
public final class PublicationMetrics {
    private final Counter published;
    private final AtomicInteger unpublished;

    public PublicationMetrics(MeterRegistry registry) {
        this.published = Counter.builder("postbus.changes.published").register(registry);
        this.unpublished = registry.gauge("postbus.changes.unpublished.accounts", new AtomicInteger());
    }

    void published(int records) {
        published.increment(records);
    }

    /** Accounts with unpublished changes, found by the last sweep. */
    void unpublishedAccounts(int accounts) {
        unpublished.set(accounts);
    }
}
