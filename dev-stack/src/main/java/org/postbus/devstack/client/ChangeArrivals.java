package org.postbus.devstack.client;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.postbus.change.ChangeEvent;
import org.postbus.codec.EventCodec;
import org.postbus.topic.Topics;

/** Records when each {@code email.created} arrives on {@code postbus.changes}, from its construction on, with a consumer of its own. */
public final class ChangeArrivals implements AutoCloseable {
    private final TopicFollower follower;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition more = lock.newCondition();
    /** {@link System#nanoTime()} by subject. */
    private final Map<String, Long> created = new HashMap<>();

    /** @param connection a Kafka client's settings: address and login */
    public ChangeArrivals(Map<String, Object> connection) {
        follower = new TopicFollower(
                connection,
                Topics.CHANGES,
                TopicFollower.From.END,
                record -> accept(EventCodec.decode(record.value(), ChangeEvent.class)),
                Throwable::printStackTrace);
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
        follower.close();
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
