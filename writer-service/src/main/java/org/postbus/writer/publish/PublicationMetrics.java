package org.postbus.writer.publish;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.postbus.kit.concurrent.PermitWaits;

/** Metrics of publishing. Dashboards and alerts depend on their names. */
public final class PublicationMetrics {
    private final Counter published;
    private final Consumer<Duration> permitWaits;
    private final AtomicInteger unpublished;

    public PublicationMetrics(MeterRegistry registry) {
        this.published = Counter.builder("postbus.changes.published").register(registry);
        this.permitWaits = PermitWaits.of(registry, "publish");
        this.unpublished = registry.gauge("postbus.changes.unpublished.accounts", new AtomicInteger());
    }

    /** Waits of accounts with new changes, for the tenants' turns. */
    Consumer<Duration> permitWaits() {
        return permitWaits;
    }

    void published(int records) {
        published.increment(records);
    }

    /** Accounts with unpublished changes, found by the last sweep. */
    void unpublishedAccounts(int accounts) {
        unpublished.set(accounts);
    }
}
