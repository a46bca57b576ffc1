package org.postbus.fetcher.loop;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * When a refused login is believed. Servers also answer "authentication failed" when there are too many connections or their user database is
 * unavailable, so for an account that could log in once it takes {@link #REFUSALS} refusals over at least {@link #PROOF_TIME}. An account that
 * never logged in most likely has a mistyped password: two refusals, a moment apart. One that is already {@code needs-login}: one refusal.
 */
record AuthFailurePolicy(History history, int refusals, Optional<Instant> since) {
    static final int REFUSALS = 3;
    static final Duration PROOF_TIME = Duration.ofMinutes(2);
    static final int REFUSALS_AT_FIRST = 2;
    static final Duration PAUSE_AT_FIRST = Duration.ofSeconds(2);
    private static final Duration PAUSE = Duration.ofSeconds(60);
    private static final Duration PAUSE_JITTER = Duration.ofSeconds(30);

    /** Whether earlier logins of the account succeeded. */
    enum History {
        NEVER_TRIED,
        WORKED_BEFORE,
        REFUSED_BEFORE
    }

    static AuthFailurePolicy with(History history) {
        return new AuthFailurePolicy(history, 0, Optional.empty());
    }

    AuthFailurePolicy loggedIn() {
        return with(History.WORKED_BEFORE);
    }

    AuthFailurePolicy refused(Instant now) {
        return new AuthFailurePolicy(history, refusals + 1, Optional.of(since.orElse(now)));
    }

    boolean isBelieved(Instant now) {
        return switch (history) {
            case NEVER_TRIED -> refusals >= REFUSALS_AT_FIRST;
            case REFUSED_BEFORE -> refusals >= 1;
            case WORKED_BEFORE ->
                refusals >= REFUSALS && !since.orElse(now).plus(PROOF_TIME).isAfter(now);
        };
    }

    /** Until the next try; {@code random} from 0 to below 1. */
    Duration pause(double random) {
        return switch (history) {
            case NEVER_TRIED, REFUSED_BEFORE -> PAUSE_AT_FIRST;
            case WORKED_BEFORE -> PAUSE.plusMillis((long) (PAUSE_JITTER.toMillis() * random));
        };
    }
}
