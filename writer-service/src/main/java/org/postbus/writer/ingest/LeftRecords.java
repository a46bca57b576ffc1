package org.postbus.writer.ingest;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.kafka.KafkaSettings;
import org.postbus.writer.table.RecordPosition;

/**
 * Reads records a second time: those whose octets were left in Kafka because there was no room for them. It is a client without a consumer group, so it
 * takes part in no assignment and commits nothing. Thread-safe; one read at a time.
 */
public final class LeftRecords implements AutoCloseable {
    /** A caller holds a permit while it waits. */
    private static final Duration READ_MAX = Duration.ofSeconds(2);

    private static final Duration CLOSE_MAX = Duration.ofSeconds(2);
    private static final int FETCH_BYTES_MAX = 1024 * 1024;

    private final Supplier<Consumer<String, byte[]>> clients;
    private final ReentrantLock lock = new ReentrantLock();
    /** Null until it is needed, and after a failure. */
    private Consumer<String, byte[]> client;

    LeftRecords(Supplier<Consumer<String, byte[]>> clients) {
        this.clients = clients;
    }

    public static LeftRecords of(KafkaSettings kafka) {
        Map<String, Object> settings = kafka.consumer(
                "writer-service-left-records",
                Map.of(
                        ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                        "none",
                        ConsumerConfig.FETCH_MAX_BYTES_CONFIG,
                        FETCH_BYTES_MAX,
                        ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG,
                        FETCH_BYTES_MAX,
                        ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                        (int) READ_MAX.toMillis(),
                        ConsumerConfig.REQUEST_TIMEOUT_MS_CONFIG,
                        (int) READ_MAX.toMillis()));
        return new LeftRecords(() -> new KafkaConsumer<>(settings));
    }

    /**
     * @return the record and some that follow it, about 1 MiB. The first one has a greater offset, or there is none, if the topic does not hold the
     *     record any more
     * @throws InfrastructureFailureException if Kafka does not answer in time
     */
    List<ConsumerRecord<String, byte[]>> readFrom(RecordPosition position) {
        lock.lock();
        try {
            if (client == null) {
                client = clients.get();
            }
            TopicPartition partition = new TopicPartition(position.topic(), position.partition());
            client.assign(List.of(partition));
            client.seek(partition, position.offset());
            List<ConsumerRecord<String, byte[]>> records = client.poll(READ_MAX).records(partition);
            if (records.isEmpty()) {
                throw new InfrastructureFailureException("Kafka did not return record " + position + " in time", null);
            }
            return records;
        } catch (OffsetOutOfRangeException deleted) {
            return List.of();
        } catch (KafkaException e) {
            discard();
            throw new InfrastructureFailureException("a record could not be read again: " + e, e);
        } finally {
            lock.unlock();
        }
    }

    /** With the lock held. */
    private void discard() {
        if (client != null) {
            client.close(Duration.ZERO);
            client = null;
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (client != null) {
                client.close(CLOSE_MAX);
                client = null;
            }
        } finally {
            lock.unlock();
        }
    }
}
