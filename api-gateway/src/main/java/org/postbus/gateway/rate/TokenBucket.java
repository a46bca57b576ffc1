package org.postbus.gateway.rate;

import java.time.Duration;
import java.util.Optional;

/**
 * Grants a number of requests at once, and then a number in time. The limits may change from call to call; the time is {@link
 * System#nanoTime}. Thread-safe.
 */
public final class TokenBucket {
    private static final double NANOS_PER_SECOND = 1e9;

    private double tokens;
    private long lastNanos;
    private boolean used;

    /**
     * @param perSecond the rate
     * @param burst how many may come at once
     * @return empty if it is granted; else the time until the next one is
     */
    public synchronized Optional<Duration> take(double perSecond, double burst, long nowNanos) {
        Optional<Duration> wait = waitBeforeNext(perSecond, burst, nowNanos);
        if (wait.isEmpty()) {
            tokens--;
        }
        return wait;
    }

    private Optional<Duration> waitBeforeNext(double perSecond, double burst, long nowNanos) {
        tokens = used ? Math.min(burst, tokens + (nowNanos - lastNanos) / NANOS_PER_SECOND * perSecond) : burst;
        used = true;
        lastNanos = nowNanos;
        if (tokens >= 1) {
            return Optional.empty();
        }
        double seconds =
                perSecond > 0 ? (1 - tokens) / perSecond : Duration.ofDays(1).toSeconds();
        return Optional.of(Duration.ofNanos((long) Math.min(seconds * NANOS_PER_SECOND, Long.MAX_VALUE)));
    }

    /** What was granted was not used. */
    public synchronized void giveBack(double burst) {
        tokens = Math.min(burst, tokens + 1);
    }
}
