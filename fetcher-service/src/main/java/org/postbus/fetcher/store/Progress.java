package org.postbus.fetcher.store;

/**
 * How far the writer is with an account.
 *
 * @param fence of the current claim; batches of every other fence are dropped
 * @param appliedSeq the last batch of that fence that was applied
 */
public record Progress(long fence, long appliedSeq) {

    /** Reads it from the database. */
    @FunctionalInterface
    public interface Reader {
        Progress read() throws InterruptedException;
    }
}
