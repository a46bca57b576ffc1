package org.postbus.fetcher.source;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Wakes one account's loop. Many wake-ups while it is busy are one: the next pass sees everything that they were about. */
public final class WakeSignal {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition woken = lock.newCondition();
    private final EnumSet<WakeKind> kinds = EnumSet.noneOf(WakeKind.class);

    public void wake(WakeKind kind) {
        lock.lock();
        try {
            kinds.add(kind);
            woken.signal();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until somebody asks for a look, at most so long; whoever asks while {@code atLeast} lasts is heard after it. What the
     * server says does not count. Only one thread may wait.
     */
    public void awaitRecord(Duration atLeast, Duration atMost) throws InterruptedException {
        Instant began = Instant.now();
        Thread.sleep(atLeast.compareTo(atMost) < 0 ? atLeast : atMost);
        Duration left = atMost.minus(Duration.between(began, Instant.now()));
        while (left.isPositive() && !await(left).contains(WakeKind.RECORD)) {
            left = atMost.minus(Duration.between(began, Instant.now()));
        }
    }

    /** Waits for a wake-up, at most so long, and forgets what woke it. Only one thread may wait. */
    public Set<WakeKind> await(Duration atMost) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long nanos = atMost.toNanos();
            while (kinds.isEmpty()) {
                if (nanos <= 0) {
                    return EnumSet.of(WakeKind.TIMER);
                }
                nanos = woken.awaitNanos(nanos);
            }
            Set<WakeKind> why = EnumSet.copyOf(kinds);
            kinds.clear();
            return why;
        } finally {
            lock.unlock();
        }
    }
}
