package org.postbus.writer.decide;


/**
 * What becomes of a batch, decided from where its account stands. The account's row is locked meanwhile, so no two writers
 * ever decide on the same place of the chain, whatever Kafka delivers twice or late.
 */
public sealed interface SequenceCheck {

    /** It is the next one under the current claim. */
    record Apply() implements SequenceCheck {}

    /** Observed under a claim that has been lost since: a zombie's. Dropped. */
    record StaleFence() implements SequenceCheck {}

    /** It has been applied. Nothing is to be done. */
    record Duplicate() implements SequenceCheck {}

    /**
     * Batches before it are missing, or it is from a claim that the database does not know (it was restored from a backup).
     * Nothing is applied; the account's fence rises to {@code newFence}, above both, so that the fetcher finds its claim lost,
     * claims anew and reads from the cursors that are stored.
     */
    record Gap(long newFence) implements SequenceCheck {}

    static SequenceCheck of(long fence, long appliedSeq, long batchFence, long batchSeq) {
        if (batchFence < fence) {
            return new StaleFence();
        }
        if (batchFence > fence) {
            return new Gap(batchFence + 1);
        }
        if (batchSeq <= appliedSeq) {
            return new Duplicate();
        }
        return batchSeq == appliedSeq + 1 ? new Apply() : new Gap(fence + 1);
    }
}
