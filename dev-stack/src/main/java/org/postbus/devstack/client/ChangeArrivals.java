package org.postbus.devstack.client;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.postbus.change.ChangeEvent;
import org.postbus.codec.EventCodec;
import org.postbus.topic.Topics;

/** Records when each {@code email.created} arrives on {@code postbus.changes}, from its construction on, with a consumer of its own. */
public final class ChangeArrivals implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(100);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Thread thread;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition more = lock.newCondition();
    /** {@link System#nanoTime()} by subject. */
    private final Map<String, Long> created = new HashMap<>();

    private volatile boolean closed;

    public ChangeArrivals(String bootstrap) {
        consumer = new KafkaConsumer<>(
                Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
        List<TopicPartition> partitions = consumer.partitionsFor(Topics.CHANGES).stream()
                .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                .toList();
        consumer.assign(partitions);
        consumer.seekToEnd(partitions);
        partitions.forEach(consumer::position);
        thread = Thread.ofPlatform().daemon().name("change-arrivals").start(this::follow);
    }

    /** The {@link System#nanoTime()} at which the first {@code email.created} with this subject arrived; empty if none does within {@code limit}. */
    public Optional<Long> awaitCreated(String subject, Duration limit) throws InterruptedException {
        long nanos = limit.toNanos();
        lock.lockInterruptibly();
        try {
            while (!created.containsKey(subject) && nanos > 0) {
                nanos = more.awaitNanos(nanos);
            }
            return Optional.ofNullable(created.get(subject));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join(TimeUnit.SECONDS.toMillis(30));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void follow() {
        try (consumer) {
            while (!closed) {
                consumer.poll(POLL).forEach(record -> accept(EventCodec.decode(record.value(), ChangeEvent.class)));
            }
        }
    }

    private void accept(ChangeEvent event) {
        long now = System.nanoTime();
        if (event.change() instanceof ChangeEvent.EmailCreated(var email)) {
            lock.lock();
            try {
                email.headers().subject().ifPresent(subject -> created.putIfAbsent(subject, now));
                more.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }
}
