package org.postbus.fetcher;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;

/**
 * Keeps a process that starts with many accounts from storming their servers: so many logins at once, and per host no more
 * than so many a second.
 */
final class LoginBudget {
    private final Semaphore atOnce;
    private final Duration apart;
    private final int burst;
    private final Map<String, HostPace> hosts = new ConcurrentHashMap<>();

    LoginBudget(int loginsAtOnce, int perHostAndSecond) {
        this.atOnce = new Semaphore(loginsAtOnce, true);
        this.apart = Duration.ofSeconds(1).dividedBy(perHostAndSecond);
        this.burst = perHostAndSecond;
    }

    /** Does it when its turn has come. */
    <T> T login(String host, Login<T> login) throws InterruptedException {
        Duration wait = hosts.computeIfAbsent(host, unused -> new HostPace(apart, burst))
                .reserve(System.nanoTime());
        Thread.sleep(wait);
        atOnce.acquire();
        try {
            return login.run();
        } finally {
            atOnce.release();
        }
    }

    @FunctionalInterface
    interface Login<T> {
        T run() throws InterruptedException;
    }

    /** A token bucket that is told the time. Each reservation is kept, so those who wait are served in order. */
    static final class HostPace {
        private final long apartNanos;
        private final long burstNanos;
        private long nextNanos;
        private boolean begun;

        HostPace(Duration apart, int burst) {
            this.apartNanos = apart.toNanos();
            this.burstNanos = apartNanos * burst;
        }

        /** @return how long to wait before the login that this call reserved */
        synchronized Duration reserve(long nowNanos) {
            if (!begun || nextNanos < nowNanos - burstNanos) {
                nextNanos = nowNanos - burstNanos;
                begun = true;
            }
            nextNanos += apartNanos;
            return Duration.ofNanos(Math.max(0, nextNanos - nowNanos));
        }
    }
}
