package org.postbus.writer;

/** Where a record lies in Kafka. */
record RecordPosition(String topic, int partition, long offset) {}
