package org.postbus.fetcher.publish;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The meters of what is published. */
public final class PublisherMetrics {
    /** When each batch was sent that the broker has not acknowledged. */
    private final Map<Sent, Long> unacknowledged = new ConcurrentHashMap<>();

    private final Counter observations;
    private final Counter batches;

    public PublisherMetrics(MeterRegistry registry) {
        Gauge.builder("postbus.fetcher.batches.in.flight", unacknowledged, Map::size)
                .description("Batches that the broker has not acknowledged")
                .register(registry);
        Gauge.builder(
                        "postbus.fetcher.batches.oldest",
                        this,
                        metrics -> metrics.oldestUnacknowledged().toMillis() / 1000.0)
                .baseUnit("seconds")
                .description("How long the oldest batch waits for the broker's acknowledgement")
                .register(registry);
        observations = Counter.builder("postbus.fetcher.observations")
                .description("Observations sent")
                .register(registry);
        batches = Counter.builder("postbus.fetcher.batches").register(registry);
    }

    /** One batch; equal to itself only. */
    static final class Sent {}

    Sent batchSent(int observationCount) {
        batches.increment();
        observations.increment(observationCount);
        Sent batch = new Sent();
        unacknowledged.put(batch, System.nanoTime());
        return batch;
    }

    /** The broker has stored it, or it is given up. */
    void batchEnded(Sent batch) {
        unacknowledged.remove(batch);
    }

    /** How long the oldest batch waits for the broker; zero if none does. */
    public Duration oldestUnacknowledged() {
        long now = System.nanoTime();
        return Duration.ofNanos(unacknowledged.values().stream()
                .mapToLong(sent -> now - sent)
                .max()
                .orElse(0));
    }
}
