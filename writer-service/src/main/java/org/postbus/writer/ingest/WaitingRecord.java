package org.postbus.writer.ingest;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.postbus.writer.table.RecordPosition;

/** A record of {@code postbus.observations} that was read and is not applied yet. */
final class WaitingRecord {
    /** Its objects and those of the channel, in bytes. */
    private static final int OVERHEAD_BYTES = 500;

    private final RecordPosition position;
    private final Optional<String> key;
    private final Optional<RecordValue> value;
    private final CompletableFuture<Void> done = new CompletableFuture<>();

    WaitingRecord(ConsumerRecord<String, RecordValue> record) {
        this.position = new RecordPosition(record.topic(), record.partition(), record.offset());
        this.key = Optional.ofNullable(record.key());
        this.value = Optional.ofNullable(record.value());
    }

    RecordPosition position() {
        return position;
    }

    Optional<String> key() {
        return key;
    }

    /** Records with the same text are processed one after the other. */
    String account() {
        return key.orElse("");
    }

    String tenant() {
        return value.map(RecordValue::tenant).orElse("");
    }

    /** Empty: the record has none. */
    Optional<RecordValue> value() {
        return value;
    }

    /** What it takes in memory while its octets are held. */
    long bytes() {
        return OVERHEAD_BYTES + value.map(RecordValue::length).orElse(0);
    }

    /** Completes when the record is applied or quarantined; fails only while the process stops. */
    CompletableFuture<Void> done() {
        return done;
    }
}
