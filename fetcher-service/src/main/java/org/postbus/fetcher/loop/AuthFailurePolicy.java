package org.postbus.fetcher.loop;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * When a refused login is believed. Servers also say "authentication failed" when there are too many connections or their
 * user database is away, so an account that could log in once needs proof: {@link #REFUSALS} refusals over at least
 * {@link #PROOF_TIME}. An account whose first login it is most likely has a mistyped password: two refusals, a moment
 * apart. One that was already found to need a login is believed at once.
 */
record AuthFailurePolicy(Standing standing, int refusals, Optional<Instant> since) {
    static final int REFUSALS = 3;
    static final Duration PROOF_TIME = Duration.ofMinutes(2);
    static final int REFUSALS_AT_FIRST = 2;
    static final Duration PAUSE_AT_FIRST = Duration.ofSeconds(2);
    private static final Duration PAUSE = Duration.ofSeconds(60);
    private static final Duration PAUSE_JITTER = Duration.ofSeconds(30);

    /** What is known of the account's login. */
    enum Standing {
        NEVER_TRIED,
        WORKED_BEFORE,
        REFUSED_BEFORE
    }

    static AuthFailurePolicy with(Standing standing) {
        return new AuthFailurePolicy(standing, 0, Optional.empty());
    }

    AuthFailurePolicy loggedIn() {
        return with(Standing.WORKED_BEFORE);
    }

    AuthFailurePolicy refused(Instant now) {
        return new AuthFailurePolicy(standing, refusals + 1, Optional.of(since.orElse(now)));
    }

    boolean isExhausted(Instant now) {
        return switch (standing) {
            case NEVER_TRIED -> refusals >= REFUSALS_AT_FIRST;
            case REFUSED_BEFORE -> refusals >= 1;
            case WORKED_BEFORE ->
                refusals >= REFUSALS && !since.orElse(now).plus(PROOF_TIME).isAfter(now);
        };
    }

    /** Until the next try; {@code random} from 0 to below 1. */
    Duration pause(double random) {
        return switch (standing) {
            case NEVER_TRIED, REFUSED_BEFORE -> PAUSE_AT_FIRST;
            case WORKED_BEFORE -> PAUSE.plusMillis((long) (PAUSE_JITTER.toMillis() * random));
        };
    }
}
