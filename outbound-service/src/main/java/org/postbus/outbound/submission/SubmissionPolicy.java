package org.postbus.outbound.submission;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.outbound.retry.RetrySchedule;
import org.postbus.outbound.submission.SubmissionOutcome.CopyFailed;
import org.postbus.outbound.submission.SubmissionOutcome.CopyRetried;
import org.postbus.outbound.submission.SubmissionOutcome.Failed;
import org.postbus.outbound.submission.SubmissionOutcome.InDoubt;
import org.postbus.outbound.submission.SubmissionOutcome.Rejected;
import org.postbus.outbound.submission.SubmissionOutcome.Retried;

/**
 * What a {@link ServerFailure} means for a submission, if it happened while the message was sent or its copy was filed. While the outcome of an
 * earlier attempt is being found out, every failure means the same, and {@code flush.SubmissionFlusher} decides it: the submission becomes or
 * stays {@code in-doubt}. Pure.
 */
public final class SubmissionPolicy {
    /** Before the first search for the copy: servers that file copies themselves take a moment. */
    public static final Duration COPY_WAIT = Duration.ofSeconds(2);
    /** When to search Sent for a message whose outcome is unknown. After the last search a user must decide. */
    private static final List<Duration> CHECK_WAITS =
            List.of(Duration.ofSeconds(5), Duration.ofMinutes(1), Duration.ofMinutes(10));

    private SubmissionPolicy() {}

    /**
     * @param attempts attempts so far, this one included
     * @param jitter 0 to 1, see {@link RetrySchedule#jittered}
     */
    public static SubmissionOutcome afterSending(ServerFailure failure, int attempts, double jitter) {
        return switch (failure) {
            case ServerFailure.Unreachable(var text) -> retried(attempts, text, Optional.empty(), true, jitter);
            case ServerFailure.LimitExceeded(var text) -> retried(attempts, text, Optional.empty(), true, jitter);
            case ServerFailure.Throttled(var text, var retryAfter) ->
                retried(attempts, text, retryAfter, false, jitter);
            case ServerFailure.AuthRejected(var text) ->
                new Retried(RetrySchedule.jittered(RetrySchedule.LOGIN_WAIT, jitter), text, true, false);
            case ServerFailure.CursorLost(var text) -> retried(attempts, text, Optional.empty(), false, jitter);
            case ServerFailure.Conflict(var text) -> retried(attempts, text, Optional.empty(), false, jitter);
            case ServerFailure.Rejected(var code, var text) -> new Rejected(text);
            case ServerFailure.OutcomeUnknown(var text) -> inDoubt(Optional.of(text), 0);
        };
    }

    /** @param checks searches so far that found no copy */
    public static InDoubt inDoubt(Optional<String> text, int checks) {
        return new InDoubt(text, checks < CHECK_WAITS.size() ? Optional.of(CHECK_WAITS.get(checks)) : Optional.empty());
    }

    /** @param checks attempts to file the copy so far, this one included */
    public static SubmissionOutcome afterCopying(ServerFailure failure, int checks, double jitter) {
        Optional<Duration> wait = failure instanceof ServerFailure.Rejected
                ? Optional.empty()
                : RetrySchedule.waitAfter(checks, Optional.empty(), jitter);
        return wait.<SubmissionOutcome>map(delay -> new CopyRetried(delay, failure.text()))
                .orElseGet(() -> new CopyFailed(failure.text()));
    }

    private static SubmissionOutcome retried(
            int attempts, String text, Optional<Duration> serverHint, boolean holdsAccount, double jitter) {
        return RetrySchedule.waitAfter(attempts, serverHint, jitter)
                .<SubmissionOutcome>map(wait -> new Retried(wait, text, holdsAccount, true))
                .orElseGet(() -> new Failed(RetrySchedule.exhausted(text, attempts)));
    }
}
