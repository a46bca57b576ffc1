package org.postbus.outbound.submission;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** What becomes of a submission after something was done about it: the step that it takes in the table {@code submission}. */
public sealed interface SubmissionOutcome {

    /** @param copyDue whether a copy is to be looked for, and made, soon */
    record Sent(Map<String, String> refused, boolean copyDue) implements SubmissionOutcome {
        public Sent {
            refused = Map.copyOf(refused);
        }
    }

    /** The server refuses for good; nothing was sent. */
    record Rejected(String text) implements SubmissionOutcome {}

    /**
     * Nothing was sent; {@code queued} again.
     *
     * @param holdsAccount the account's other submissions wait as well
     * @param counts whether it was a try
     */
    record Again(Duration delay, String text, boolean holdsAccount, boolean counts) implements SubmissionOutcome {}

    /** Nothing was sent, and there are no more tries. */
    record Failed(String text) implements SubmissionOutcome {}

    /**
     * It may have been sent. It is not sent again unless a person says so.
     *
     * @param text why; empty if nothing new is known
     * @param lookIn when to look for it; empty if it is a person's turn
     */
    record InDoubt(Optional<String> text, Optional<Duration> lookIn) implements SubmissionOutcome {}

    /** It lies among the sent ones: it was sent, and needs no copy. */
    record Found() implements SubmissionOutcome {}

    /** Sent, and the copy is there. */
    record Copied() implements SubmissionOutcome {}

    /** Sent, but the copy is not there yet. */
    record CopyAgain(Duration delay, String text) implements SubmissionOutcome {}

    /** Sent, but there is no copy, and we give up. */
    record CopyFailed(String text) implements SubmissionOutcome {}

    /** As metrics and logs call it. */
    default String label() {
        return switch (this) {
            case Sent sent -> "sent";
            case Rejected rejected -> "rejected";
            case Again again -> "retried";
            case Failed failed -> "failed";
            case InDoubt doubt -> "in-doubt";
            case Found found -> "found";
            case Copied copied -> "copied";
            case CopyAgain again -> "copy-retried";
            case CopyFailed failed -> "copy-failed";
        };
    }
}
