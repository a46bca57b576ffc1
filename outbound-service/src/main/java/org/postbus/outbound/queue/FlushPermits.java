package org.postbus.outbound.queue;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.model.TenantId;

/**
 * Bounds how many flushes run at once, with a bulkhead for long ones: a flush that holds its permit for long, mostly because a server does
 * not answer, exchanges it for a permit of a second pool while that has any. So the accounts of a server that hangs do not block the others.
 * Both pools are shared by the tenants in turn, and no tenant gets all permits of either.
 */
public final class FlushPermits {
    /** Permits for long flushes per ordinary permit. */
    private static final int LONG_PER_ORDINARY = 4;

    private final Duration longAfter;
    private final FairPermits<TenantId> ordinary;
    private final FairPermits<TenantId> longRunning;

    /**
     * @param max ordinary permits; there are four times as many for long flushes
     * @param longAfter how long a flush holds an ordinary permit before it is long
     * @param waited is given how long each flush waited for an ordinary permit
     */
    public FlushPermits(int max, Duration longAfter, Consumer<Duration> waited) {
        this.longAfter = longAfter;
        this.ordinary = new FairPermits<>(max, waited);
        this.longRunning = new FairPermits<>(max * LONG_PER_ORDINARY);
    }

    /** Waits for an ordinary permit. */
    Permit acquire(TenantId tenant) throws InterruptedException {
        return new Permit(tenant, ordinary.acquire(tenant));
    }

    /** Permits of both pools that are held. */
    int held() {
        return ordinary.held() + longRunning.held();
    }

    final class Permit implements AutoCloseable {
        private final CountDownLatch released = new CountDownLatch(1);
        private final TenantId tenant;
        private FairPermits<TenantId>.Permit held;

        private Permit(TenantId tenant, FairPermits<TenantId>.Permit held) {
            this.tenant = tenant;
            this.held = held;
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
            if (released.getCount() > 0) {
                longRunning.tryAcquire(tenant).ifPresent(permit -> {
                    held.close();
                    held = permit;
                });
            }
        }

        @Override
        public synchronized void close() {
            released.countDown();
            held.close();
        }
    }
}
