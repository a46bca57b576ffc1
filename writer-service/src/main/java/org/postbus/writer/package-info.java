/**
 * The writer: the only service that writes mail tables. This package holds the wiring, nothing else.
 *
 * <p>{@code ingest} takes records from Kafka, {@code apply} applies a batch in one transaction, {@code decide} holds the rules as pure functions,
 * {@code table} the SQL, {@code publish} sends the change log to Kafka. Dependencies: {@code ingest} → {@code apply}, {@code publish};
 * {@code apply} → {@code decide}, {@code table}; {@code publish} → {@code table} → {@code decide}.
 */
package org.postbus.writer;
