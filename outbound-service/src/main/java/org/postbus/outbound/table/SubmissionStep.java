package org.postbus.outbound.table;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.postbus.codec.EventCodec;
import org.postbus.outbound.submission.SubmissionOutcome;
import org.postbus.outbound.submission.SubmissionPolicy;

/**
 * The columns of {@code submission} that an outcome sets; {@code copy} and {@code refused} stay unchanged if null.
 *
 * @param next until the next try; empty if nothing is to be done
 * @param held as the whole queue is
 * @param messageDone the message is not needed any more
 */
record SubmissionStep(
        String state,
        boolean transmitting,
        String copy,
        String refused,
        String error,
        Optional<Duration> next,
        boolean held,
        int uncountedAttempts,
        int uncountedChecks,
        boolean messageDone) {

    /** @param holdDelay how long the queue waits, if it does */
    static SubmissionStep of(SubmissionOutcome outcome, Duration holdDelay) {
        return switch (outcome) {
            case SubmissionOutcome.Sent(var refused, var copyDue) ->
                new SubmissionStep(
                        "sent",
                        false,
                        copyDue ? "due" : "none",
                        json(refused),
                        null,
                        copyDue ? Optional.of(SubmissionPolicy.COPY_WAIT) : Optional.empty(),
                        false,
                        0,
                        0,
                        !copyDue);
            case SubmissionOutcome.Rejected(var text) -> ended("rejected", text);
            case SubmissionOutcome.Failed(var text) -> ended("failed", text);
            case SubmissionOutcome.Retried(var delay, var text) -> queued(text, delay, false, 0);
            case SubmissionOutcome.Held(var hold) -> queued(hold.text(), holdDelay, true, 1);
            case SubmissionOutcome.InDoubt(var text, var checkIn, var counts) ->
                new SubmissionStep(
                        "in-doubt",
                        true,
                        null,
                        null,
                        text.map(ErrorText::storable).orElse(null),
                        checkIn,
                        false,
                        0,
                        counts ? 0 : 1,
                        false);
            case SubmissionOutcome.Found found -> copy("done", null, Optional.empty(), true);
            case SubmissionOutcome.Copied copied -> copy("done", null, Optional.empty(), true);
            case SubmissionOutcome.CopyRetried(var delay, var text) -> copy("due", text, Optional.of(delay), false);
            case SubmissionOutcome.CopyFailed(var text) -> copy("failed", text, Optional.empty(), false);
        };
    }

    private static SubmissionStep queued(String text, Duration delay, boolean held, int uncountedAttempts) {
        return new SubmissionStep(
                "queued",
                false,
                null,
                null,
                ErrorText.storable(text),
                Optional.of(delay),
                held,
                uncountedAttempts,
                0,
                false);
    }

    private static SubmissionStep ended(String state, String text) {
        return new SubmissionStep(
                state, false, null, null, ErrorText.storable(text), Optional.empty(), false, 0, 0, false);
    }

    /** @param text null if there is no error */
    private static SubmissionStep copy(String copy, String text, Optional<Duration> next, boolean messageDone) {
        return new SubmissionStep(
                "sent",
                false,
                copy,
                null,
                text == null ? null : ErrorText.storable(text),
                next,
                false,
                0,
                0,
                messageDone);
    }

    private static String json(Map<String, String> refused) {
        ObjectNode json = EventCodec.mapper().createObjectNode();
        refused.forEach((recipient, reply) -> json.put(recipient, ErrorText.storable(reply)));
        return EventCodec.encodeToString(json);
    }
}
