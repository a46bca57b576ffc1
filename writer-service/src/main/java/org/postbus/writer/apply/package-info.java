/**
 * One batch of observations in one database transaction: reads the rows that the batch touches, lets {@code decide} compute the difference,
 * writes it with the classes of {@code table}, and appends the changes to the change log.
 *
 * <p>Rules about mail belong in {@code decide}, with one exception: which mutations a sync pass confirms and which emails it destroys is decided
 * here, by {@link org.postbus.writer.apply.PassCompletion} and the statements that it sends, because the rows are selected in SQL. Kafka and
 * retries do not belong here.
 */
package org.postbus.writer.apply;
