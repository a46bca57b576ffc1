package org.postbus.fetcher.source;

import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;

/**
 * This process's share of what a mail provider allows, by host and over all accounts: a number of IMAP connections, and a rate of logins (IMAP
 * and JMAP). Watchers get at most three quarters of the connections, so that accounts are polled even where not all can be watched. With N
 * fetchers each one is configured with 1/N of what the provider allows.
 *
 * <p>It also limits the load when a process starts with many accounts: those that wait are served in order, and the number of logins in
 * progress at once is limited over all hosts.
 */
public final class HostBudget {
    /** Over all hosts; each takes 300 KB. */
    private static final int COMPRESSED_MAX = 64;

    /** With fewer, no connection is reserved for passes, and watchers could hold all of them. */
    static final int CONNECTIONS_MIN = 4;

    /** A login's permit is released after this time: what costs this process CPU time in it is done by then. */
    private static final Duration LOGIN_PERMIT_TIME_MAX = Duration.ofSeconds(1);

    private final Semaphore compressed = new Semaphore(COMPRESSED_MAX);
    private final Semaphore loginsAtOnce;
    private final int loginsPerSecond;
    private final int connections;
    private final Map<String, Host> hosts = new ConcurrentHashMap<>();

    /**
     * @param loginsAtOnce over all hosts
     * @param loginsPerSecond to one host
     * @param connections to one host
     * @throws IllegalArgumentException if there are fewer than 4 connections
     */
    public HostBudget(int loginsAtOnce, int loginsPerSecond, int connections) {
        if (connections < CONNECTIONS_MIN) {
            throw new IllegalArgumentException(
                    "POSTBUS_FETCHER_CONNECTIONS_PER_HOST must be at least " + CONNECTIONS_MIN + ", not " + connections
                            + ": a quarter of the connections is reserved for sync passes");
        }
        this.loginsAtOnce = new Semaphore(loginsAtOnce, true);
        this.loginsPerSecond = loginsPerSecond;
        this.connections = connections;
    }

    /**
     * Connecting is limited to a lower rate than logging in, so that open connections do not wait to log in. One tenth of the login rate is not
     * used: logins that were sent in different seconds may reach the server in the same one.
     */
    private record Host(
            LoginRateLimit connecting, LoginRateLimit loggingIn, Semaphore connections, Semaphore watchers) {}

    private Host host(String name) {
        return hosts.computeIfAbsent(
                name,
                unused -> new Host(
                        new LoginRateLimit(Math.max(1, loginsPerSecond * 3 / 4)),
                        new LoginRateLimit(Math.max(1, loginsPerSecond * 9 / 10)),
                        new Semaphore(connections, true),
                        new Semaphore(connections - connections / 4, true)));
    }

    /** Connects and logs in as soon as the rate limit allows. A slow server delays no other login: its permit is released after a second. */
    public <T> T login(String host, Login<T> login) throws InterruptedException {
        Thread.sleep(host(host).connecting().reserve(System.nanoTime()));
        loginsAtOnce.acquire();
        Permit permit = new Permit(loginsAtOnce::release);
        Thread timer = Thread.ofVirtual().start(() -> {
            try {
                Thread.sleep(LOGIN_PERMIT_TIME_MAX);
                permit.close();
            } catch (InterruptedException done) {
                Thread.currentThread().interrupt();
            }
        });
        try {
            return login.run();
        } finally {
            timer.interrupt();
            permit.close();
        }
    }

    @FunctionalInterface
    public interface Login<T> {
        T run() throws InterruptedException;
    }

    /**
     * To be awaited on an open connection just before the credential is sent. On a busy machine one TLS handshake may take a second longer than
     * the next: without this, logins would arrive at once although connecting was spaced.
     */
    public Uni<Void> loginPermit(String host) {
        return Uni.createFrom().deferred(() -> {
            long millis = host(host).loggingIn().reserve(System.nanoTime()).toMillis();
            Uni<Void> now = Uni.createFrom().voidItem();
            return millis == 0 ? now : now.onItem().delayIt().by(Duration.ofMillis(millis));
        });
    }

    /** Held until it is closed. Closing it a second time has no effect. */
    public static final class Permit implements AutoCloseable {
        private final Runnable release;
        private boolean closed;

        private Permit(Runnable release) {
            this.release = release;
        }

        @Override
        public synchronized void close() {
            if (!closed) {
                closed = true;
                release.run();
            }
        }
    }

    /** For the connection of a pass: waits until one is allowed. */
    public Permit connectionPermit(String name) throws InterruptedException {
        Host host = host(name);
        host.connections().acquire();
        return new Permit(() -> host.connections().release());
    }

    /** For the connection of a watcher: empty if none is allowed now. */
    public Optional<Permit> watcherPermit(String name) {
        Host host = host(name);
        if (!host.watchers().tryAcquire()) {
            return Optional.empty();
        }
        if (!host.connections().tryAcquire()) {
            host.watchers().release();
            return Optional.empty();
        }
        return Optional.of(new Permit(() -> {
            host.connections().release();
            host.watchers().release();
        }));
    }

    /** For a compressed connection: empty if too many are compressed now. */
    public Optional<Permit> compressionPermit() {
        return compressed.tryAcquire() ? Optional.of(new Permit(compressed::release)) : Optional.empty();
    }

    /** Whether passes of other accounts wait for a connection: an account that does not need its own now closes it. */
    public boolean isContended(String name) {
        return host(name).connections().hasQueuedThreads();
    }

    /**
     * Limits logins to a number in any second: a burst of that many after a quiet time, then evenly spaced. The caller passes the time.
     * Reservations cannot be returned, so waiting callers are served in order.
     */
    static final class LoginRateLimit {
        private static final long SECOND_NANOS = Duration.ofSeconds(1).toNanos();

        private final long apartNanos;
        /** The last second's worth of reservations, the oldest at {@code reserved} modulo their number. */
        private final long[] recent;

        private long reserved;
        private long lastNanos;

        LoginRateLimit(int perSecond) {
            this.apartNanos = SECOND_NANOS / perSecond;
            this.recent = new long[perSecond];
        }

        /** @return how long to wait before the login that this call reserved */
        synchronized Duration reserve(long nowNanos) {
            int oldest = (int) (reserved % recent.length);
            long at = nowNanos;
            if (reserved >= recent.length && recent[oldest] + SECOND_NANOS > nowNanos) {
                at = Math.max(recent[oldest] + SECOND_NANOS, lastNanos + apartNanos);
            } else if (reserved > 0) {
                at = Math.max(nowNanos, lastNanos);
            }
            recent[oldest] = at;
            lastNanos = at;
            reserved++;
            return Duration.ofNanos(at - nowNanos);
        }
    }
}
