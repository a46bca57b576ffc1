package org.postbus.outbound.queue;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Bounds how many flushes run at once, with a bulkhead for long ones: a flush that holds its permit for long, mostly because a server does
 * not answer, exchanges it for a permit of a second pool while that has any. So the accounts of a server that hangs do not block the others.
 */
public final class FlushPermits {
    /** Permits for long flushes per ordinary permit. */
    private static final int LONG_PER_ORDINARY = 3;

    private final int max;
    private final Duration longAfter;
    private final Semaphore ordinary;
    private final Semaphore longRunning;

    /**
     * @param max ordinary permits; there are three times as many for long flushes
     * @param longAfter how long a flush holds an ordinary permit before it is long
     */
    public FlushPermits(int max, Duration longAfter) {
        this.max = max;
        this.longAfter = longAfter;
        this.ordinary = new Semaphore(max, true);
        this.longRunning = new Semaphore(max * LONG_PER_ORDINARY);
    }

    /** Waits for an ordinary permit. */
    Permit acquire() throws InterruptedException {
        ordinary.acquire();
        return new Permit();
    }

    /** Permits of both pools that are held. */
    int held() {
        return max - ordinary.availablePermits() + max * LONG_PER_ORDINARY - longRunning.availablePermits();
    }

    final class Permit implements AutoCloseable {
        private final CountDownLatch released = new CountDownLatch(1);
        private Semaphore held = ordinary;

        private Permit() {
            Thread.ofVirtual().name("flush-permit").start(this::exchangeWhenLong);
        }

        private void exchangeWhenLong() {
            try {
                if (!released.await(longAfter.toNanos(), TimeUnit.NANOSECONDS)) {
                    exchange();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private synchronized void exchange() {
            if (held == ordinary && released.getCount() > 0 && longRunning.tryAcquire()) {
                held = longRunning;
                ordinary.release();
            }
        }

        @Override
        public synchronized void close() {
            released.countDown();
            held.release();
        }
    }
}
