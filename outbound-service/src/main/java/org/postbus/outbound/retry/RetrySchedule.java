package org.postbus.outbound.retry;

import java.time.Duration;
import java.util.Optional;

/** How often an attempt is repeated, and how long the wait before each is. The same for mutations and submissions. Pure. */
public final class RetrySchedule {
    public static final int ATTEMPTS_MAX = 5;
    /** Servers lock accounts after repeated refused logins. */
    public static final Duration LOGIN_WAIT = Duration.ofMinutes(5);
    /** Upper limit of every wait, also of a wait that the server asked for. */
    public static final Duration WAIT_MAX = Duration.ofHours(1);

    private static final Duration[] WAITS = {
        Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofSeconds(30), Duration.ofMinutes(2)
    };

    private RetrySchedule() {}

    /**
     * @param attempts attempts so far, at least 1
     * @param serverHint the wait that the server asked for; it replaces ours
     * @param jitter see {@link #jittered}
     * @return empty after the last attempt
     */
    public static Optional<Duration> waitAfter(int attempts, Optional<Duration> serverHint, double jitter) {
        return attempts >= ATTEMPTS_MAX
                ? Optional.empty()
                : Optional.of(jittered(serverHint.orElse(WAITS[attempts - 1]), jitter));
    }

    /** The wait after so many attempts, for failures that do not count as attempts. Without jitter. */
    public static Duration unlimitedWait(int attempts) {
        return WAITS[Math.min(attempts, WAITS.length) - 1];
    }

    /** The error text of an item that is not tried again. */
    public static String exhausted(String text, int attempts) {
        return text + " (after " + attempts + " tries)";
    }

    /** @param jitter 0 to 1: adds up to a fifth of the wait, so that the accounts of one server do not all retry at the same time */
    public static Duration jittered(Duration wait, double jitter) {
        Duration longer = wait.plusMillis((long) (wait.toMillis() * 0.2 * jitter));
        return longer.compareTo(WAIT_MAX) > 0 ? WAIT_MAX : longer;
    }
}
