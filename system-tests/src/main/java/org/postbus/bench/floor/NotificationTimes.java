package org.postbus.bench.floor;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** When a raw connection that does nothing else was told that something has arrived: nobody can know earlier. */
public final class NotificationTimes {
    private final LinkedBlockingQueue<Instant> told = new LinkedBlockingQueue<>();

    public void add(Instant notice) {
        told.add(notice);
    }

    /** Empty if none is in time. */
    public Optional<Instant> next(Duration limit) throws InterruptedException {
        return Optional.ofNullable(told.poll(limit.toMillis(), TimeUnit.MILLISECONDS));
    }

    /** What was told until now is of no interest. */
    public void forget() {
        told.clear();
    }
}
