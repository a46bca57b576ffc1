package org.postbus.bench.floor;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The times at which the server notified a raw connection of a change. No client of the same server can be faster. */
public final class NotificationTimes {
    private final LinkedBlockingQueue<Instant> times = new LinkedBlockingQueue<>();

    void add(Instant time) {
        times.add(time);
    }

    /** The next notification; empty if none comes within {@code limit}. */
    public Optional<Instant> next(Duration limit) throws InterruptedException {
        return Optional.ofNullable(times.poll(limit.toMillis(), TimeUnit.MILLISECONDS));
    }

    /** Drops the notifications received so far. */
    public void clear() {
        times.clear();
    }
}
