package org.postbus.outbound.submission;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.postbus.outbound.retry.QueueHold;

/** The result of one attempt at a submission: the next state of its row in the table {@code submission}. */
public sealed interface SubmissionOutcome {

    /** @param copyDue whether Sent is to be searched for the copy soon, and the copy filed if it is missing */
    record Sent(Map<String, String> refused, boolean copyDue) implements SubmissionOutcome {
        public Sent {
            refused = Map.copyOf(refused);
        }
    }

    /** The server refused it permanently; nothing was sent. */
    record Rejected(String text) implements SubmissionOutcome {}

    /** Nothing was sent; {@code queued} again: the server refused this message temporarily. */
    record Retried(Duration delay, String text) implements SubmissionOutcome {}

    /** Nothing was sent; {@code queued} again: the server cannot be used for now, and the account's other submissions wait as well. */
    record Held(QueueHold hold) implements SubmissionOutcome {}

    /** Nothing was sent, and it is not tried again. */
    record Failed(String text) implements SubmissionOutcome {}

    /**
     * It may have been sent. It is sent again only if a user asks for it.
     *
     * @param text why; empty if the stored reason stays
     * @param checkIn when to search Sent for it; empty if a user must decide
     * @param counts whether Sent was searched
     */
    record InDoubt(Optional<String> text, Optional<Duration> checkIn, boolean counts) implements SubmissionOutcome {}

    /** It is filed in Sent: it was sent, and needs no copy. */
    record Found() implements SubmissionOutcome {}

    /** Sent, and the copy is filed. */
    record Copied() implements SubmissionOutcome {}

    /** Sent, but the copy could not be filed yet. */
    record CopyRetried(Duration delay, String text) implements SubmissionOutcome {}

    /** Sent, but there is no copy, and it is not tried again. */
    record CopyFailed(String text) implements SubmissionOutcome {}

    /** Whether the server's mailboxes differ from the database's state, so that the account should be synced now. */
    default boolean needsSync() {
        return switch (this) {
            case Sent sent -> true;
            case Found found -> true;
            case Copied copied -> true;
            case Rejected rejected -> false;
            case Retried retried -> false;
            case Held held -> false;
            case Failed failed -> false;
            case InDoubt doubt -> false;
            case CopyRetried retried -> false;
            case CopyFailed failed -> false;
        };
    }

    /** Its name in metrics and logs. */
    default String label() {
        return switch (this) {
            case Sent sent -> "sent";
            case Rejected rejected -> "rejected";
            case Retried retried -> "retried";
            case Held held -> "held";
            case Failed failed -> "failed";
            case InDoubt doubt -> "in-doubt";
            case Found found -> "found";
            case Copied copied -> "copied";
            case CopyRetried retried -> "copy-retried";
            case CopyFailed failed -> "copy-failed";
        };
    }
}
