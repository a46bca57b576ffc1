package org.postbus.fetcher.source;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Wakes the loop of one account. Wake-ups that arrive during a pass are merged into one: the next pass sees everything they were about. */
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
     * Waits for a sync request, for {@code atMost}. A request that arrives within {@code atLeast} is answered when that time has passed.
     * Push notifications are ignored. Only one thread may wait.
     */
    public void awaitSyncRequest(Duration atLeast, Duration atMost) throws InterruptedException {
        Instant began = Instant.now();
        Thread.sleep(atLeast.compareTo(atMost) < 0 ? atLeast : atMost);
        Duration left = atMost.minus(Duration.between(began, Instant.now()));
        while (left.isPositive() && !await(left).contains(WakeKind.SYNC_REQUEST)) {
            left = atMost.minus(Duration.between(began, Instant.now()));
        }
    }

    /** Waits for a wake-up, for {@code atMost}, and clears it. Only one thread may wait. */
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
