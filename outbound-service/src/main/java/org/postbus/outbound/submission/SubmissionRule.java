package org.postbus.outbound.submission;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.outbound.mutation.MutationOutcome;
import org.postbus.outbound.mutation.RetryRule;
import org.postbus.outbound.submission.SubmissionOutcome.Again;
import org.postbus.outbound.submission.SubmissionOutcome.CopyAgain;
import org.postbus.outbound.submission.SubmissionOutcome.CopyFailed;
import org.postbus.outbound.submission.SubmissionOutcome.Failed;
import org.postbus.outbound.submission.SubmissionOutcome.InDoubt;
import org.postbus.outbound.submission.SubmissionOutcome.Rejected;

/** What a failure means for a message. Pure. How often and when it is tried again is {@link RetryRule}'s, as for every mutation. */
public final class SubmissionRule {
    /** Servers that keep a copy by themselves take a moment. */
    public static final Duration COPY_WAIT = Duration.ofSeconds(2);
    /** When to look for a message whose fate is unknown; after the last one it is a person's turn. */
    private static final List<Duration> LOOKS =
            List.of(Duration.ofSeconds(5), Duration.ofMinutes(1), Duration.ofMinutes(10));

    private SubmissionRule() {}

    /** @param attempts this one included */
    public static SubmissionOutcome afterSending(ServerFailure failure, int attempts, double jitter) {
        return switch (failure) {
            case ServerFailure.Unreachable(var text) ->
                step(RetryRule.again(attempts, text, Optional.empty(), true, jitter));
            case ServerFailure.Throttled(var text, var retryAfter) ->
                step(RetryRule.again(attempts, text, retryAfter, false, jitter));
            case ServerFailure.AuthRejected(var text) -> step(RetryRule.afterLogin(text, jitter));
            case ServerFailure.CursorLost(var text) ->
                step(RetryRule.again(attempts, text, Optional.empty(), false, jitter));
            case ServerFailure.Conflict(var text) ->
                step(RetryRule.again(attempts, text, Optional.empty(), false, jitter));
            case ServerFailure.Rejected(var code, var text) -> new Rejected(text);
            case ServerFailure.OutcomeUnknown(var text) -> inDoubt(Optional.of(text), 0);
        };
    }

    /** @param looks that found nothing so far */
    public static InDoubt inDoubt(Optional<String> text, int looks) {
        return new InDoubt(text, looks < LOOKS.size() ? Optional.of(LOOKS.get(looks)) : Optional.empty());
    }

    /** @param looks this one included */
    public static SubmissionOutcome afterCopying(ServerFailure failure, int looks, double jitter) {
        return switch (step(RetryRule.again(looks, failure.text(), Optional.empty(), false, jitter))) {
            case Again(var delay, var text, var holds, var counts)
            when !(failure instanceof ServerFailure.Rejected) -> new CopyAgain(delay, text);
            default -> new CopyFailed(failure.text());
        };
    }

    private static SubmissionOutcome step(MutationOutcome outcome) {
        return switch (outcome) {
            case MutationOutcome.Deferred(var delay, var text, var holdsAccount) -> new Again(delay, text, holdsAccount, true);
            case MutationOutcome.NeedsLogin(var delay, var text) -> new Again(delay, text, true, false);
            case MutationOutcome.Failed(var text) -> new Failed(text);
            case MutationOutcome.Rejected(var code, var text) -> new Rejected(text);
            case MutationOutcome.Applied applied -> throw new IllegalStateException("not what follows from a failure");
            case MutationOutcome.LocationUnknown unknown -> throw new IllegalStateException("not what follows from a failure");
            case MutationOutcome.Released released -> throw new IllegalStateException("not what follows from a failure");
        };
    }
}
