package org.postbus.outbound.mutation;

import java.time.Duration;
import java.util.Optional;

/** How often and when a mutation is tried again. Pure; the flusher brings the failure. */
public final class RetryRule {
    public static final int TRIES_MAX = 5;
    /** What somebody else changed first is tried on fresh state twice; then the server wins. */
    static final int CONFLICT_TRIES_MAX = 3;
    /** A login that is refused is not asked for again soon: servers lock accounts for that. */
    static final Duration LOGIN_WAIT = Duration.ofMinutes(5);
    /** No server's hint makes us wait longer. */
    static final Duration WAIT_MAX = Duration.ofHours(1);

    /** While the fetcher reads a mailbox anew, which takes minutes where there are many messages. */
    private static final Duration LOCATION_WAIT = Duration.ofSeconds(30);

    private static final Duration[] WAITS = {
        Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofSeconds(30), Duration.ofMinutes(2)
    };
    /** The fetcher has been woken and looks meanwhile. */
    private static final Duration[] CONFLICT_WAITS = {Duration.ofMillis(500), Duration.ofSeconds(2)};

    private RetryRule() {}

    /**
     * @param attempts tries so far, at least 1
     * @param hint the server's own, which wins over ours
     * @param jitter 0 to 1: adds up to a fifth, so accounts of one server do not come back all at once
     */
    public static MutationOutcome again(
            int attempts, String text, Optional<Duration> hint, boolean holdsAccount, double jitter) {
        if (attempts >= TRIES_MAX) {
            return new MutationOutcome.Failed(text + " (after " + attempts + " tries)");
        }
        Duration wait = hint.orElse(WAITS[attempts - 1]);
        return new MutationOutcome.Deferred(jittered(wait, jitter), text, holdsAccount);
    }

    /** A place turns up within seconds, or when a whole mailbox has been read: that uses up no more than the first tries. */
    public static MutationOutcome untilLocated(int attempts, String text, double jitter) {
        Duration wait = WAITS[Math.min(attempts, WAITS.length) - 1];
        return wait.compareTo(LOCATION_WAIT) < 0
                ? new MutationOutcome.Deferred(jittered(wait, jitter), text, false)
                : new MutationOutcome.LocationUnknown(jittered(LOCATION_WAIT, jitter), text);
    }

    public static MutationOutcome onFreshState(int attempts, String text, double jitter) {
        return attempts >= CONFLICT_TRIES_MAX
                ? new MutationOutcome.Rejected("conflict", text)
                : new MutationOutcome.Deferred(jittered(CONFLICT_WAITS[attempts - 1], jitter), text, false);
    }

    public static MutationOutcome afterLogin(String text, double jitter) {
        return new MutationOutcome.NeedsLogin(jittered(LOGIN_WAIT, jitter), text);
    }

    private static Duration jittered(Duration wait, double jitter) {
        Duration longer = wait.plusMillis((long) (wait.toMillis() * 0.2 * jitter));
        return longer.compareTo(WAIT_MAX) > 0 ? WAIT_MAX : longer;
    }
}
