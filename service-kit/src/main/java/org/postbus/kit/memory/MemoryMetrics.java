package org.postbus.kit.memory;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.LongSupplier;

/** The use of the memory that a service has for what mail servers send. */
public final class MemoryMetrics {
    private MemoryMetrics() {}

    /** @param ended how many connections and clients have been ended because all together held more than {@code max} bytes */
    public static void watch(MeterRegistry registry, LongSupplier held, LongSupplier max, LongSupplier ended) {
        Gauge.builder("postbus.mail.held", held, LongSupplier::getAsLong)
                .baseUnit("bytes")
                .description("Memory that holds what mail servers sent")
                .strongReference(true)
                .register(registry);
        Gauge.builder("postbus.mail.held.max", max, LongSupplier::getAsLong)
                .baseUnit("bytes")
                .description("The most that it may be")
                .strongReference(true)
                .register(registry);
        FunctionCounter.builder("postbus.mail.holders.ended", ended, LongSupplier::getAsLong)
                .description("Connections to mail servers that were ended because they held the most of it")
                .register(registry);
    }
}
