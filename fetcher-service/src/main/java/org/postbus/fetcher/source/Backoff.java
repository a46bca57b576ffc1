package org.postbus.fetcher.source;

import java.time.Duration;
import java.util.Optional;

/**
 * The delay after failures: its ceiling doubles from 5 s to 300 s, and the delay is drawn evenly below it ("full jitter"), so that accounts
 * which failed at the same time are not retried at the same time.
 */
public final class Backoff {
    static final Duration CEILING_MIN = Duration.ofSeconds(5);
    static final Duration CEILING_MAX = Duration.ofSeconds(300);
    /** The shortest delay, whatever was drawn. */
    static final Duration FLOOR = Duration.ofSeconds(1);
    /** A longer hint of the server is considered a mistake and shortened to this. */
    static final Duration HINT_MAX = Duration.ofHours(1);

    private Backoff() {}

    /**
     * @param failures in a row, this one included: 1 or more
     * @param hint the delay that the server asked for. The result is not shorter, except that a hint above {@link #HINT_MAX} is
     *     shortened to it
     * @param random from 0 to below 1
     */
    public static Duration delay(int failures, Optional<Duration> hint, double random) {
        int doublings = Math.min(Math.max(failures, 1) - 1, 10);
        long ceiling = Math.min(CEILING_MIN.toMillis() << doublings, CEILING_MAX.toMillis());
        Duration drawn = Duration.ofMillis(FLOOR.toMillis() + (long) ((ceiling - FLOOR.toMillis()) * random));
        Duration asked = hint.orElse(Duration.ZERO);
        asked = asked.compareTo(HINT_MAX) > 0 ? HINT_MAX : asked;
        return asked.compareTo(drawn) > 0 ? asked : drawn;
    }
}
