package org.postbus.fetcher.source;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Whether the database or Kafka fails at present: what the loops of all accounts know together. While it does, they do not back off each by
 * itself, because then each would notice at another time that it works again. They stand in a queue instead. One of them tries every second, and
 * the first success lets all others go on at once; how many may work at a time is limited elsewhere. Thread-safe.
 */
public final class InfrastructureOutage {
    static final Duration TRY_EVERY = Duration.ofSeconds(1);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ended = lock.newCondition();
    private Optional<Failure> present = Optional.empty();
    /** When the last one in the queue tries. */
    private long lastTryNanos;

    /** @param text of the last failure */
    public record Failure(Instant since, String text) {}

    public void failed(String text, Instant now) {
        lock.lock();
        try {
            if (present.isEmpty()) {
                lastTryNanos = System.nanoTime();
            }
            present = Optional.of(new Failure(present.map(Failure::since).orElse(now), text));
        } finally {
            lock.unlock();
        }
    }

    /** Something that needs the infrastructure was done. */
    public void works() {
        lock.lock();
        try {
            present = Optional.empty();
            ended.signalAll();
        } finally {
            lock.unlock();
        }
    }

    public Optional<Failure> present() {
        lock.lock();
        try {
            return present;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until it is the caller's turn to try, or the outage has ended.
     *
     * @return whether it has ended: it works for others
     */
    public boolean awaitTurn() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            if (present.isEmpty()) {
                return true;
            }
            lastTryNanos = Math.max(lastTryNanos, System.nanoTime() - TRY_EVERY.toNanos()) + TRY_EVERY.toNanos();
            long left = lastTryNanos - System.nanoTime();
            while (left > 0 && present.isPresent()) {
                left = ended.awaitNanos(left);
            }
            return present.isEmpty();
        } finally {
            lock.unlock();
        }
    }
}
