package org.postbus.bench.measure;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.postbus.devstack.client.TopicFollower;

/**
 * Consumes a topic from its end and records when the first record arrives that contains a mark such as {@code mark-17-}, as a
 * subscriber sees it.
 */
public final class MarkedRecords implements AutoCloseable {
    private static final Pattern MARK = Pattern.compile("mark-\\d+-");

    private final TopicFollower follower;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition more = lock.newCondition();
    private final Map<String, Seen> seen = new HashMap<>();

    /**
     * @param sent the record's timestamp, by the producer's clock (this machine's), in whole milliseconds
     * @param received the time of its arrival here
     */
    public record Seen(Instant sent, Instant received) {}

    /** @param connection a Kafka client's settings: address and login */
    public MarkedRecords(Map<String, Object> connection, String topic) {
        follower =
                new TopicFollower(connection, topic, TopicFollower.From.END, this::accept, Throwable::printStackTrace);
    }

    public static String mark(int number) {
        return "mark-" + number + "-";
    }

    /** The first record with this mark; empty if none arrives within {@code limit}. */
    public Optional<Seen> await(String mark, Duration limit) throws InterruptedException {
        long nanos = limit.toNanos();
        lock.lockInterruptibly();
        try {
            while (!seen.containsKey(mark) && nanos > 0) {
                nanos = more.awaitNanos(nanos);
            }
            return Optional.ofNullable(seen.get(mark));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        follower.close();
    }

    private void accept(ConsumerRecord<byte[], byte[]> record) {
        Seen now = new Seen(Instant.ofEpochMilli(record.timestamp()), Instant.now());
        if (record.value() == null) {
            return;
        }
        Matcher marks = MARK.matcher(new String(record.value(), StandardCharsets.ISO_8859_1));
        lock.lock();
        try {
            while (marks.find()) {
                seen.putIfAbsent(marks.group(), now);
            }
            more.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
