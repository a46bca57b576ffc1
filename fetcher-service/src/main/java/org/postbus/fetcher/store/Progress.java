package org.postbus.fetcher.store;

/**
 * How far the writer has come with an account.
 *
 * @param fence of the claim that counts; if it is not ours, nothing of ours is applied any more
 * @param appliedSeq the last batch of that fence in the database
 */
public record Progress(long fence, long appliedSeq) {

    /** Reads it from the database. */
    @FunctionalInterface
    public interface Reader {
        Progress read() throws InterruptedException;
    }
}
