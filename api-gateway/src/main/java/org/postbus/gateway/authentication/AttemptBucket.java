package org.postbus.gateway.authentication;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A token bucket for failed attempts. Pure.
 *
 * @param tokens as of {@code at}, from 0 to {@link #BURST}
 */
record AttemptBucket(double tokens, Instant at) {
    static final int BURST = 10;
    static final int PER_MINUTE = 10;

    static AttemptBucket full(Instant now) {
        return new AttemptBucket(BURST, now);
    }

    AttemptBucket take(Instant now) {
        return new AttemptBucket(Math.max(0, tokensAt(now) - 1), now);
    }

    /** Empty: an attempt is allowed now. */
    Optional<Duration> waitBeforeNext(Instant now) {
        double present = tokensAt(now);
        return present >= 1
                ? Optional.empty()
                : Optional.of(Duration.ofMillis((long) Math.ceil((1 - present) * 60_000 / PER_MINUTE)));
    }

    private double tokensAt(Instant now) {
        double minutes = Math.max(0, Duration.between(at, now).toMillis()) / 60_000.0;
        return Math.min(BURST, tokens + minutes * PER_MINUTE);
    }
}
