package org.postbus.outbound.mutation;

import java.time.Duration;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.outbound.retry.RetrySchedule;

/**
 * What a {@link ServerFailure} means for a mutation, once {@code flush.MutationRound} has repeated what a second attempt in the same round may
 * resolve. Pure.
 */
public final class OutcomePolicy {
    /** After a conflict a mutation is tried twice more on fresh state; then the server's state wins. */
    static final int CONFLICT_ATTEMPTS_MAX = 3;

    /** While the fetcher reads a whole mailbox again, which takes minutes if it holds many messages. */
    private static final Duration LOCATION_WAIT = Duration.ofSeconds(30);
    /** A sync has been requested; the fetcher usually reports the fresh state within this time. */
    private static final Duration[] CONFLICT_WAITS = {Duration.ofMillis(500), Duration.ofSeconds(2)};

    private OutcomePolicy() {}

    /**
     * @param attempts attempts so far, this one included
     * @param holdsAccount whether the failure concerns the account rather than this mutation: its other mutations wait as well
     * @param jitter 0 to 1, see {@link RetrySchedule#jittered}
     */
    public static MutationOutcome outcomeOf(ServerFailure failure, int attempts, boolean holdsAccount, double jitter) {
        return switch (failure) {
            case ServerFailure.Unreachable(var text) -> retried(attempts, text, Optional.empty(), holdsAccount, jitter);
            case ServerFailure.LimitExceeded(var text) ->
                retried(attempts, text, Optional.empty(), holdsAccount, jitter);
            case ServerFailure.Throttled(var text, var retryAfter) ->
                retried(attempts, text, retryAfter, holdsAccount, jitter);
            case ServerFailure.AuthRejected(var text) ->
                new MutationOutcome.NeedsLogin(RetrySchedule.jittered(RetrySchedule.LOGIN_WAIT, jitter), text);
            case ServerFailure.CursorLost(var text) -> untilLocated(attempts, text, jitter);
            case ServerFailure.Conflict(var text) -> onFreshState(attempts, text, jitter);
            case ServerFailure.Rejected(var code, var text) -> new MutationOutcome.Rejected(code, text);
            // Every mutation can be repeated without harm, or the server is first searched for its result: see
            // MailServer.
            case ServerFailure.OutcomeUnknown(var text) ->
                retried(attempts, text, Optional.empty(), holdsAccount, jitter);
        };
    }

    /** Whether the server's state differs from the database's, so that the account should be synced now. */
    public static boolean needsSync(MutationOutcome outcome) {
        return switch (outcome) {
            case MutationOutcome.Applied applied -> true;
            case MutationOutcome.Rejected rejected -> true;
            case MutationOutcome.Deferred deferred -> !deferred.holdsAccount();
            case MutationOutcome.LocationUnknown unknown -> true;
            case MutationOutcome.NeedsLogin needsLogin -> false;
            case MutationOutcome.Released released -> false;
            case MutationOutcome.Failed failed -> false;
        };
    }

    private static MutationOutcome retried(
            int attempts, String text, Optional<Duration> serverHint, boolean holdsAccount, double jitter) {
        return RetrySchedule.waitAfter(attempts, serverHint, jitter)
                .<MutationOutcome>map(wait -> new MutationOutcome.Deferred(wait, text, holdsAccount))
                .orElseGet(() -> new MutationOutcome.Failed(RetrySchedule.exhausted(text, attempts)));
    }

    /**
     * The email's location usually becomes known within seconds, but after a UIDVALIDITY change only when the whole mailbox has been
     * read again. Only the first attempts count, so that the mutation does not fail during such a long resync.
     */
    private static MutationOutcome untilLocated(int attempts, String text, double jitter) {
        Duration wait = RetrySchedule.unlimitedWait(attempts);
        return wait.compareTo(LOCATION_WAIT) < 0
                ? new MutationOutcome.Deferred(RetrySchedule.jittered(wait, jitter), text, false)
                : new MutationOutcome.LocationUnknown(RetrySchedule.jittered(LOCATION_WAIT, jitter), text);
    }

    private static MutationOutcome onFreshState(int attempts, String text, double jitter) {
        return attempts >= CONFLICT_ATTEMPTS_MAX
                ? new MutationOutcome.Rejected("conflict", text)
                : new MutationOutcome.Deferred(
                        RetrySchedule.jittered(CONFLICT_WAITS[attempts - 1], jitter), text, false);
    }
}
