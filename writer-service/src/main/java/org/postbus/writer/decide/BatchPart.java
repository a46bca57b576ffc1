package org.postbus.writer.decide;

import org.postbus.observation.ObservationBatch;

/**
 * How far a batch has been applied that is applied in several transactions, because it touches too many rows for one, or because one of its
 * observations cannot be stored. It is stored by the same transactions, so a batch that is delivered again is continued where it was left.
 *
 * @param fence of the batch; a part of another batch says nothing
 * @param seq of the batch
 * @param observations how many of its observations are done
 * @param rows how many rows the next observation has already changed: links, emails, mutations
 * @param refused whether one of the done observations was quarantined instead of applied
 */
public record BatchPart(long fence, long seq, int observations, long rows, boolean refused) {
    public static final BatchPart NONE = new BatchPart(0, 0, 0, 0, false);

    /** The part of this batch: nothing of it, unless this part names it. */
    BatchPart of(ObservationBatch batch) {
        return fence == batch.fence() && seq == batch.seq()
                ? this
                : new BatchPart(batch.fence(), batch.seq(), 0, 0, false);
    }

    /** All observations before this index are done, and {@code rowsOfNext} rows of the one at the index. */
    public BatchPart upTo(int index, long rowsOfNext) {
        return new BatchPart(fence, seq, index, rowsOfNext, refused);
    }

    /** The next observation is done by leaving it out. */
    public BatchPart withoutNext() {
        return new BatchPart(fence, seq, observations + 1, 0, true);
    }

    /** Something that is no observation of the batch has been left out. */
    public BatchPart afterRefusal() {
        return new BatchPart(fence, seq, observations, rows, true);
    }
}
