package org.postbus.devstack.client;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads all partitions of a topic in a thread of its own, without a consumer group, until it is closed. */
public final class TopicFollower implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(100);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Consumer<ConsumerRecord<byte[], byte[]>> handler;
    private final Thread thread;
    private volatile boolean closed;

    /** Where reading starts. */
    public enum From {
        BEGINNING,
        /** The end at the time of the constructor's return: every record that is sent later is read. */
        END
    }

    /**
     * Starts to read.
     *
     * @param connection a Kafka client's settings: address and login
     * @param handler called for one record at a time
     * @param failed called with the exception, if reading or the handler fails
     */
    public TopicFollower(
            Map<String, Object> connection,
            String topic,
            From from,
            Consumer<ConsumerRecord<byte[], byte[]>> handler,
            Consumer<Throwable> failed) {
        this.handler = handler;
        consumer = new KafkaConsumer<>(connection, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                .toList();
        consumer.assign(partitions);
        switch (from) {
            case BEGINNING -> consumer.seekToBeginning(partitions);
            case END -> {
                consumer.seekToEnd(partitions);
                partitions.forEach(consumer::position);
            }
        }
        thread = Thread.ofPlatform()
                .daemon()
                .name("follow-" + topic)
                .uncaughtExceptionHandler((ended, cause) -> failed.accept(cause))
                .start(this::follow);
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void follow() {
        try (consumer) {
            while (!closed) {
                consumer.poll(POLL).forEach(handler);
            }
        }
    }
}
