/**
 * From records of {@code postbus.observations} to applied batches: consumes and decodes them, keeps the order of each account, retries
 * infrastructure failures, and quarantines poison messages. What a batch changes is decided in {@code decide}.
 */
package org.postbus.writer.ingest;
