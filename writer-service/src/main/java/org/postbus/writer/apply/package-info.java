/**
 * One batch of observations in one database transaction: reads the rows that the batch touches, lets {@code decide} compute the difference,
 * writes it with the classes of {@code table}, and appends the changes to the change log. No Kafka, no retries, and no rules about
 * mail.
 */
package org.postbus.writer.apply;
