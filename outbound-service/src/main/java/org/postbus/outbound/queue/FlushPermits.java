package org.postbus.outbound.queue;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Room for what may go on at once. Whoever takes long, mostly because a server does not answer, moves to places apart while there
 * are some, so that the stuck accounts of one server leave room for everybody else's.
 */
public final class FlushPermits {
    /** FlushPermits apart, for each ordinary one. */
    private static final int APART_TIMES = 3;

    private final int max;
    private final Duration patience;
    private final Semaphore ordinary;
    private final Semaphore apart;

    /**
     * @param max ordinary places; three times as many are apart
     * @param patience after which one who still has an ordinary place moves
     */
    public FlushPermits(int max, Duration patience) {
        this.max = max;
        this.patience = patience;
        this.ordinary = new Semaphore(max, true);
        this.apart = new Semaphore(max * APART_TIMES);
    }

    /** Waits until there is an ordinary place. */
    Place take() throws InterruptedException {
        ordinary.acquire();
        return new Place();
    }

    int taken() {
        return max - ordinary.availablePermits() + max * APART_TIMES - apart.availablePermits();
    }

    /** @return false if some were still taken after that time */
    boolean awaitEmpty(Duration wait) throws InterruptedException {
        long end = System.nanoTime() + wait.toNanos();
        if (!ordinary.tryAcquire(max, wait.toNanos(), TimeUnit.NANOSECONDS)) {
            return false;
        }
        boolean empty = apart.tryAcquire(max * APART_TIMES, end - System.nanoTime(), TimeUnit.NANOSECONDS);
        ordinary.release(max);
        if (empty) {
            apart.release(max * APART_TIMES);
        }
        return empty;
    }

    final class Place implements AutoCloseable {
        private final CountDownLatch left = new CountDownLatch(1);
        private Semaphore held = ordinary;

        private Place() {
            Thread.ofVirtual().name("place").start(this::moveWhenLong);
        }

        private void moveWhenLong() {
            try {
                if (!left.await(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                    move();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private synchronized void move() {
            if (held == ordinary && left.getCount() > 0 && apart.tryAcquire()) {
                held = apart;
                ordinary.release();
            }
        }

        @Override
        public synchronized void close() {
            left.countDown();
            held.release();
        }
    }
}
