package org.postbus.outbound.submission;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.outbound.retry.QueueHold;
import org.postbus.outbound.retry.RetrySchedule;
import org.postbus.outbound.submission.SubmissionOutcome.CopyFailed;
import org.postbus.outbound.submission.SubmissionOutcome.CopyRetried;
import org.postbus.outbound.submission.SubmissionOutcome.Failed;
import org.postbus.outbound.submission.SubmissionOutcome.Held;
import org.postbus.outbound.submission.SubmissionOutcome.InDoubt;
import org.postbus.outbound.submission.SubmissionOutcome.Rejected;
import org.postbus.outbound.submission.SubmissionOutcome.Retried;

/**
 * What a {@link ServerFailure} means for a submission: while the message was sent, while its copy was filed, or while Sent was searched for a
 * message whose outcome is unknown. Pure.
 *
 * @param ageMax after this time a message that could not be sent has failed (RFC 5321 section 4.5.4.1: 4 to 5 days)
 */
public record SubmissionPolicy(Duration ageMax) {
    /** Before the first search for the copy: servers that file copies themselves take a moment. */
    public static final Duration COPY_WAIT = Duration.ofSeconds(2);
    /** When to search Sent for a message whose outcome is unknown. After the last search a user must decide. */
    private static final List<Duration> CHECK_WAITS =
            List.of(Duration.ofSeconds(5), Duration.ofMinutes(1), Duration.ofMinutes(10));

    private static final String INTERRUPTED =
            "the process that was sending it ended several times before anything was sent";

    /** Present if it must not be tried again. */
    public static Optional<SubmissionOutcome> beforeSending(Submission submission) {
        return submission.interruptions() >= RetrySchedule.INTERRUPTIONS_MAX
                ? Optional.of(new Failed(INTERRUPTED))
                : Optional.empty();
    }

    /** @param jitter 0 to 1, see {@link RetrySchedule#jittered} */
    public SubmissionOutcome afterSending(ServerFailure failure, Submission submission, double jitter) {
        return switch (failure) {
            case ServerFailure.Unreachable unreachable -> held(failure, submission);
            case ServerFailure.LimitExceeded exceeded -> held(failure, submission);
            case ServerFailure.AuthRejected refused -> held(failure, submission);
            // With a time, the server as a whole asks for a delay. Without, it refuses this message or one of its
            // recipients for now: greylisting, a full mailbox.
            case ServerFailure.Throttled(var text, var retryAfter)
            when retryAfter.isPresent() -> held(failure, submission);
            case ServerFailure.Throttled(var text, var none) -> retried(text, submission, jitter);
            case ServerFailure.CursorLost(var text) -> retried(text, submission, jitter);
            case ServerFailure.Conflict(var text) -> retried(text, submission, jitter);
            case ServerFailure.Rejected(var code, var text) -> new Rejected(text);
            case ServerFailure.OutcomeUnknown(var text) -> inDoubt(Optional.of(text), 0);
        };
    }

    /** A failure before the server was asked to send. */
    public SubmissionOutcome afterOpening(ServerFailure failure, Submission submission) {
        return heldBy(QueueHold.ofOpening(failure), submission);
    }

    /** @param checks searches so far that found no copy */
    public static InDoubt inDoubt(Optional<String> text, int checks) {
        return new InDoubt(
                text, checks < CHECK_WAITS.size() ? Optional.of(CHECK_WAITS.get(checks)) : Optional.empty(), true);
    }

    /** Sent could not be searched: that is no search. */
    public InDoubt afterChecking(ServerFailure failure, Submission submission, double jitter) {
        return isTooOld(submission) || QueueHold.of(failure).isEmpty()
                ? inDoubt(Optional.empty(), submission.checks())
                : new InDoubt(Optional.empty(), Optional.of(RetrySchedule.shareOf(submission.age(), jitter)), false);
    }

    public SubmissionOutcome afterCopying(ServerFailure failure, Submission submission, double jitter) {
        return failure instanceof ServerFailure.Rejected || isTooOld(submission)
                ? new CopyFailed(failure.text())
                : new CopyRetried(
                        RetrySchedule.waitOfMessage(submission.checks(), Optional.empty(), jitter), failure.text());
    }

    private SubmissionOutcome held(ServerFailure failure, Submission submission) {
        return heldBy(QueueHold.ofOpening(failure), submission);
    }

    private SubmissionOutcome heldBy(QueueHold hold, Submission submission) {
        return isTooOld(submission) ? new Failed(RetrySchedule.tooOld(hold.text(), ageMax)) : new Held(hold);
    }

    private SubmissionOutcome retried(String text, Submission submission, double jitter) {
        return isTooOld(submission)
                ? new Failed(RetrySchedule.exhausted(text, submission.attempts()))
                : new Retried(RetrySchedule.waitOfMessage(submission.attempts(), Optional.empty(), jitter), text);
    }

    private boolean isTooOld(Submission submission) {
        return submission.age().compareTo(ageMax) >= 0;
    }
}
