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

    private static final Duration INFRASTRUCTURE_CEILING_MIN = Duration.ofSeconds(1);
    private static final Duration INFRASTRUCTURE_CEILING_MAX = Duration.ofSeconds(60);

    private Backoff() {}

    /**
     * The delay of an account for which the database or Kafka failed although they worked for others. The first such failures cost little, because they
     * may be those of a database that comes and goes, and then each account must go on within 10 s of its return.
     *
     * @param failures in a row, this one included; nothing is waited for up to 1
     * @param random from 0 to below 1
     */
    public static Duration ofInfrastructure(int failures, double random) {
        if (failures <= 1) {
            return Duration.ZERO;
        }
        long ceiling = Math.min(
                INFRASTRUCTURE_CEILING_MIN.toMillis() << Math.min(failures - 1, 10),
                INFRASTRUCTURE_CEILING_MAX.toMillis());
        return Duration.ofMillis(ceiling / 2 + (long) (ceiling / 2.0 * random));
    }

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
