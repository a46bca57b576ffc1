package org.postbus.kit.concurrent;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.function.Consumer;

/** The meter of {@link FairPermits}: how long requests wait, by pool. Not by owner: there are too many of them. */
public final class PermitWaits {
    private PermitWaits() {}

    /** @param pool the value of the tag {@code pool} */
    public static Consumer<Duration> of(MeterRegistry registry, String pool) {
        return Timer.builder("postbus.permits.wait")
                .description("Wait of a granted request for a permit")
                .tag("pool", pool)
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(1))
                .maximumExpectedValue(Duration.ofMinutes(5))
                .register(registry)::record;
    }
}
