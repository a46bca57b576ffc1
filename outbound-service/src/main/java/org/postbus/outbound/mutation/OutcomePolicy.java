package org.postbus.outbound.mutation;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.postbus.mail.ServerFailure;
import org.postbus.outbound.retry.RetrySchedule;

/**
 * What an answer of the server means for the mutation that it is the answer to. Failures of the server as a whole are no answers: see {@link
 * org.postbus.outbound.retry.QueueHold}. Pure.
 *
 * @param ageMax after this time a mutation that could not be applied has failed
 */
public record OutcomePolicy(Duration ageMax) {
    /** After a conflict a mutation is tried twice more, each time on fresh state; then the server's state wins. */
    static final int CONFLICT_ATTEMPTS_MAX = 3;

    /** While the fetcher reads a whole mailbox again, which takes minutes if it holds many messages. */
    private static final Duration LOCATION_WAIT = Duration.ofSeconds(30);
    /** Refusals that do not say that they are permanent: {@code NO System Error}, for example. */
    private static final Set<String> MAY_BE_TEMPORARY = Set.of("NO", "CONTACTADMIN", "UNAVAILABLE", "SERVERBUG");

    private static final String INTERRUPTED =
            "the process that was sending it ended several times: check whether it was applied";

    /**
     * For a refusal of this mutation.
     *
     * @param jitter 0 to 1, see {@link RetrySchedule#jittered}
     */
    public MutationOutcome refused(ServerFailure failure, Tries tries, double jitter) {
        return switch (failure) {
            case ServerFailure.Unreachable(var text) -> retried(tries, text, Optional.empty(), jitter);
            case ServerFailure.LimitExceeded(var text) -> retried(tries, text, Optional.empty(), jitter);
            case ServerFailure.Throttled(var text, var retryAfter) -> retried(tries, text, retryAfter, jitter);
            case ServerFailure.AuthRejected(var text) -> retried(tries, text, Optional.empty(), jitter);
            case ServerFailure.CursorLost(var text) -> untilLocated(tries, text, jitter);
            case ServerFailure.Conflict(var text) -> onFreshState(tries, text, "conflict");
            case ServerFailure.Rejected(var code, var text)
            when MAY_BE_TEMPORARY.contains(code) -> retried(tries, text, Optional.empty(), jitter);
            case ServerFailure.Rejected(var code, var text) -> new MutationOutcome.Rejected(code, text);
            // Every mutation can be repeated without harm, or the server is first searched for its result: see
            // MailServer.
            case ServerFailure.OutcomeUnknown(var text) -> retried(tries, text, Optional.empty(), jitter);
        };
    }

    /** The server has no such message where the database says that it is. Another client may have moved it: that shows in the next pass. */
    public MutationOutcome missing(Tries tries, String text) {
        return onFreshState(tries, text, "notFound");
    }

    /** The account's queue waits, and this mutation with it. */
    public MutationOutcome held(Tries tries, String text) {
        return isTooOld(tries)
                ? new MutationOutcome.Failed(RetrySchedule.tooOld(text, ageMax))
                : new MutationOutcome.Held(text);
    }

    /** The connection was lost while the server executed a command for it. */
    public MutationOutcome interrupted(Tries tries, String text, double jitter) {
        return isTooOld(tries)
                ? new MutationOutcome.Failed(RetrySchedule.tooOld(text, ageMax))
                : new MutationOutcome.Interrupted(RetrySchedule.shareOf(tries.age(), jitter), text);
    }

    /** Present if it must not be tried again: the processes that tried it ended. */
    public static Optional<MutationOutcome> beforeTrying(Tries tries) {
        return tries.interruptions() >= RetrySchedule.INTERRUPTIONS_MAX
                ? Optional.of(new MutationOutcome.Failed(INTERRUPTED))
                : Optional.empty();
    }

    private boolean isTooOld(Tries tries) {
        return tries.age().compareTo(ageMax) >= 0;
    }

    private static MutationOutcome retried(Tries tries, String text, Optional<Duration> serverHint, double jitter) {
        return RetrySchedule.waitAfter(tries.attempts(), serverHint, jitter)
                .<MutationOutcome>map(wait -> new MutationOutcome.Deferred(wait, text))
                .orElseGet(() -> new MutationOutcome.Failed(RetrySchedule.exhausted(text, tries.attempts())));
    }

    /**
     * The email's location usually becomes known within seconds, but after a UIDVALIDITY change only when the whole mailbox has been
     * read again. Only the first attempts count, so that the mutation does not fail during such a long resync.
     */
    private MutationOutcome untilLocated(Tries tries, String text, double jitter) {
        if (isTooOld(tries)) {
            return new MutationOutcome.Failed(RetrySchedule.tooOld(text, ageMax));
        }
        Duration wait = RetrySchedule.unlimitedWait(tries.attempts());
        boolean counts = wait.compareTo(LOCATION_WAIT) < 0;
        return new MutationOutcome.LocationUnknown(
                RetrySchedule.jittered(counts ? wait : LOCATION_WAIT, jitter), text, counts);
    }

    private static MutationOutcome onFreshState(Tries tries, String text, String code) {
        return tries.attempts() >= CONFLICT_ATTEMPTS_MAX
                ? new MutationOutcome.Rejected(code, text)
                : new MutationOutcome.OutOfDate(text);
    }
}
