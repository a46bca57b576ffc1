package org.postbus.writer.decide;

/**
 * Whether a batch is the next one of its account. The account's row is locked during the check, so no two writers decide on the same
 * sequence number, even if Kafka delivers a record twice or late.
 */
public sealed interface SequenceCheck {

    /** The next batch under the current claim: it is applied. */
    record Next() implements SequenceCheck {}

    /** From a claim that has been superseded: the batch is dropped. */
    record Stale() implements SequenceCheck {}

    /** The batch has been applied before: nothing is done. */
    record Duplicate() implements SequenceCheck {}

    /**
     * Batches before this one are missing, or the database does not know the claim, because it was restored from a backup. Nothing is
     * applied. The account's fence rises to {@code newFence}, which is above both fences, so that the fetcher finds its claim lost, claims
     * the account anew and reads from the stored cursors.
     */
    record Gap(long newFence) implements SequenceCheck {}

    /** The batch names a claim that cannot have been made: it was not written by a fetcher of this installation. */
    record Forged() implements SequenceCheck {}

    /**
     * Claims that may be unknown to a database that was restored from a backup. A fence that is further ahead was not claimed; to accept it would
     * let a few records use up all numbers, and no later claim would be possible.
     */
    long CLAIMS_UNKNOWN_MAX = 1_000_000_000;

    /**
     * @param fence of the account's current claim
     * @param appliedSeq of the last batch that was applied under that claim; 0 if there is none
     */
    static SequenceCheck of(long fence, long appliedSeq, long batchFence, long batchSeq) {
        if (batchFence < fence) {
            return new Stale();
        }
        if (batchFence - fence > CLAIMS_UNKNOWN_MAX) {
            return new Forged();
        }
        if (batchFence > fence) {
            return new Gap(batchFence + 1);
        }
        if (batchSeq <= appliedSeq) {
            return new Duplicate();
        }
        return batchSeq == appliedSeq + 1 ? new Next() : new Gap(fence + 1);
    }
}
