package org.postbus.outbound.table;

import java.time.Duration;
import org.postbus.outbound.mutation.MutationOutcome;

/**
 * The columns of {@code pending_changes} that an outcome sets.
 *
 * @param error may be null
 * @param delay until the next try
 * @param held as the whole queue is
 * @param outOfDate waits for a pass that begins later
 * @param interruptionsMin at least so many interruptions are remembered
 * @param interruptionsMax at most so many: 0 after an answer of the server
 */
record MutationStep(
        String state,
        String error,
        Duration delay,
        boolean held,
        boolean outOfDate,
        int uncountedAttempts,
        int interruptionsMin,
        int interruptionsMax) {
    private static final int ANY = 1_000_000;

    /** @param holdDelay how long the queue waits, if it does */
    static MutationStep of(MutationOutcome outcome, Duration holdDelay) {
        return switch (outcome) {
            case MutationOutcome.Applied applied -> ended("applied", null);
            case MutationOutcome.Rejected(var code, var text) -> ended("rejected", code + ": " + text);
            case MutationOutcome.Failed(var text) -> ended("failed", text);
            case MutationOutcome.Deferred(var delay, var text) -> queued(text, delay, false, 0, 0, 0);
            case MutationOutcome.OutOfDate(var text) -> queued(text, Duration.ZERO, true, 0, 0, 0);
            case MutationOutcome.Interrupted(var delay, var text) -> queued(text, delay, false, 1, 1, ANY);
            case MutationOutcome.LocationUnknown(var delay, var text, var counts) ->
                queued(text, delay, false, counts ? 0 : 1, 0, ANY);
            case MutationOutcome.Held(var text) ->
                new MutationStep("queued", ErrorText.storable(text), holdDelay, true, false, 1, 0, ANY);
            case MutationOutcome.Released released ->
                new MutationStep("queued", null, Duration.ZERO, false, false, 1, 0, ANY);
        };
    }

    private static MutationStep queued(
            String text,
            Duration delay,
            boolean outOfDate,
            int uncountedAttempts,
            int interruptionsMin,
            int interruptionsMax) {
        return new MutationStep(
                "queued",
                ErrorText.storable(text),
                delay,
                false,
                outOfDate,
                uncountedAttempts,
                interruptionsMin,
                interruptionsMax);
    }

    private static MutationStep ended(String state, String text) {
        return new MutationStep(
                state, text == null ? null : ErrorText.storable(text), Duration.ZERO, false, false, 0, 0, 0);
    }
}
