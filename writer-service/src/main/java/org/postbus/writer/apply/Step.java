package org.postbus.writer.apply;

/**
 * What a transaction has done of one observation.
 *
 * @param rows how many rows it has changed
 * @param complete false: more rows are to be changed, by a later transaction
 */
record Step(long rows, boolean complete) {
    static final Step NOTHING = new Step(0, true);

    static Step complete(long rows) {
        return new Step(rows, true);
    }

    static Step incomplete(long rows) {
        return new Step(rows, false);
    }
}
