package org.postbus.fetcher.publish;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicInteger;

/** The meters of what is published. */
public final class PublisherMetrics {
    private final AtomicInteger batchesInFlight = new AtomicInteger();
    private final Counter observations;
    private final Counter batches;

    public PublisherMetrics(MeterRegistry registry) {
        Gauge.builder("postbus.fetcher.batches.in.flight", batchesInFlight, AtomicInteger::get)
                .description("Batches that the broker has not acknowledged")
                .register(registry);
        observations = Counter.builder("postbus.fetcher.observations")
                .description("Observations sent")
                .register(registry);
        batches = Counter.builder("postbus.fetcher.batches").register(registry);
    }

    void batchSent(int observationCount) {
        batches.increment();
        observations.increment(observationCount);
        batchesInFlight.incrementAndGet();
    }

    void batchAcknowledged() {
        batchesInFlight.decrementAndGet();
    }
}
