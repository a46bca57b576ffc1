/**
 * The writer: the only service that writes mail tables. This package holds the wiring, nothing else.
 *
 * <p>{@code ingest} takes records from Kafka, {@code apply} applies a batch in one transaction, {@code decide} holds the rules as pure functions
 * (except those for the end of a sync pass, see {@code apply.PassCompletion}), {@code table} holds the SQL, {@code publish} sends the change log
 * to Kafka. Dependencies: {@code ingest} → {@code apply}, {@code publish}, {@code table}, {@code decide}; {@code apply} → {@code table}, {@code
 * decide}; {@code publish} → {@code table}; {@code table} → {@code decide}.
 */
package org.postbus.writer;
