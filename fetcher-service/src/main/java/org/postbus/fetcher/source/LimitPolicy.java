package org.postbus.fetcher.source;

import java.time.Duration;
import java.util.Optional;
import org.postbus.account.LimitsExceeded;

/**
 * What follows when a mail server sends more than the limits allow. Once or twice may be a mistake and is retried like any other failure.
 * From the {@value #TIMES_MAX}rd time in a row there is a rest, without a connection: 1 hour, then twice as long each time, up to 24 hours.
 *
 * @param times in a row, without a completed pass between
 */
public record LimitPolicy(int times) {
    public static final LimitPolicy NONE = new LimitPolicy(0);
    static final int TIMES_MAX = 3;
    static final Duration REST_MIN = Duration.ofHours(1);
    static final Duration REST_MAX = Duration.ofHours(24);

    /** What is stored counts only for the account as it is now. */
    public static LimitPolicy of(Optional<LimitsExceeded> stored, long revision) {
        return stored.filter(exceeded -> exceeded.revision() == revision)
                .map(exceeded -> new LimitPolicy(exceeded.times()))
                .orElse(NONE);
    }

    public LimitPolicy exceeded() {
        return new LimitPolicy(times + 1);
    }

    /** How long there is no connection; empty while it is retried like any other failure. */
    public Optional<Duration> rest() {
        if (times < TIMES_MAX) {
            return Optional.empty();
        }
        Duration rest = REST_MIN.multipliedBy(1L << Math.min(times - TIMES_MAX, 10));
        return Optional.of(rest.compareTo(REST_MAX) > 0 ? REST_MAX : rest);
    }

    /** To be stored, if there is anything. */
    public Optional<LimitsExceeded> stored(long revision) {
        return times == 0 ? Optional.empty() : Optional.of(new LimitsExceeded(times, revision));
    }

    /** What a person should do, after the sentence that says which limit was exceeded. */
    public String advice(Duration rest) {
        return "The server has done so " + times + " times in a row, so the account rests for " + rest.toHours()
                + " h. Correct the server or the account's settings; a sync request or a change of the account ends the rest";
    }
}
