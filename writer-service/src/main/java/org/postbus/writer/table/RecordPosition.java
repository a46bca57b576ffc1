package org.postbus.writer.table;

/** Where a record lies in Kafka. */
public record RecordPosition(String topic, int partition, long offset) {}
