package org.postbus.writer.apply;

import java.security.SecureRandom;
import java.time.Clock;
import java.util.UUID;
import java.util.function.Supplier;

/** UUIDv7 (RFC 9562 section 5.7), so that rows that are created together are neighbours in the indexes. Thread-safe. */
public final class TimeOrderedIds implements Supplier<UUID> {
    private static final long VERSION_7 = 0x7000L;
    private static final long VARIANT = 0x8000_0000_0000_0000L;
    private static final int COUNTER_BITS = 12;

    private final SecureRandom random = new SecureRandom();
    private final Clock clock;
    /** Milliseconds and a counter of 12 bits, which overflows into the milliseconds. */
    private long last;

    public TimeOrderedIds(Clock clock) {
        this.clock = clock;
    }

    @Override
    public UUID get() {
        long tick = tick();
        long high = (tick >>> COUNTER_BITS) << 16 | VERSION_7 | tick & ((1 << COUNTER_BITS) - 1);
        return new UUID(high, VARIANT | random.nextLong() >>> 2);
    }

    private synchronized long tick() {
        last = Math.max(last + 1, clock.millis() << COUNTER_BITS);
        return last;
    }
}
