package org.postbus.outbound.retry;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** How often an item is tried again, and how long the wait before each attempt is. Pure. */
public final class RetrySchedule {
    /** Attempts at a mutation that the server answers and refuses temporarily. */
    public static final int ATTEMPTS_MAX = 5;
    /** Attempts in a row that end without an outcome, because the process ends. */
    public static final int INTERRUPTIONS_MAX = 5;
    /** Upper limit of every wait, also of a wait that the server asked for. */
    public static final Duration WAIT_MAX = Duration.ofHours(1);

    private static final Duration[] WAITS = {
        Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofSeconds(30), Duration.ofMinutes(2)
    };
    /** RFC 5321 section 4.5.4.1 asks for half an hour; greylisting ends within minutes, so the first waits are shorter. */
    private static final List<Duration> MESSAGE_WAITS = List.of(
            Duration.ofSeconds(30),
            Duration.ofMinutes(2),
            Duration.ofMinutes(5),
            Duration.ofMinutes(15),
            Duration.ofMinutes(30),
            Duration.ofHours(1));

    private static final Duration HINT_MIN = Duration.ofSeconds(5);
    private static final Duration SHARE_OF_AGE_MIN = Duration.ofSeconds(5);
    private static final Duration SHARE_OF_AGE_MAX = Duration.ofMinutes(15);

    private RetrySchedule() {}

    /**
     * For a mutation that the server refused temporarily.
     *
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

    /**
     * For a message that the server refused temporarily, or its copy. Grows to an hour; the message's age limits it.
     *
     * @param attempts attempts so far, at least 1
     * @param serverHint the wait that the server asked for; it replaces ours if it is 5 s or more
     */
    public static Duration waitOfMessage(int attempts, Optional<Duration> serverHint, double jitter) {
        Duration own = MESSAGE_WAITS.get(Math.min(attempts, MESSAGE_WAITS.size()) - 1);
        return jittered(obeyed(serverHint, own), jitter);
    }

    /** A short hint is not obeyed: with {@code Retry-After: 0} a server would keep this process busy. */
    static Duration obeyed(Optional<Duration> serverHint, Duration own) {
        return serverHint.filter(hint -> hint.compareTo(HINT_MIN) >= 0).orElse(own);
    }

    /** A quarter of the item's age, from 5 s to 15 min: for what is repeated without being counted. */
    public static Duration shareOf(Duration age, double jitter) {
        Duration share = age.dividedBy(4);
        Duration wait = share.compareTo(SHARE_OF_AGE_MIN) < 0 ? SHARE_OF_AGE_MIN : share;
        return jittered(wait.compareTo(SHARE_OF_AGE_MAX) > 0 ? SHARE_OF_AGE_MAX : wait, jitter);
    }

    /** The error text of an item that is not tried again. */
    public static String exhausted(String text, int attempts) {
        return text + " (after " + attempts + " tries)";
    }

    /** The error text of an item that is too old to be tried again. */
    public static String tooOld(String text, Duration ageMax) {
        String limit = ageMax.toDays() > 0 ? ageMax.toDays() + " days" : ageMax.toSeconds() + " s";
        return text + " (given up after " + limit + ")";
    }

    /** @param jitter 0 to 1: adds up to a fifth of the wait, so that the accounts of one server do not all retry at the same time */
    public static Duration jittered(Duration wait, double jitter) {
        Duration longer = wait.plusMillis((long) (wait.toMillis() * 0.2 * jitter));
        return longer.compareTo(WAIT_MAX) > 0 ? WAIT_MAX : longer;
    }
}
