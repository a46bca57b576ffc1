package org.postbus.fetcher.source;

import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;

/**
 * This process's share of what a mail provider bears, by host: so many connections, and so many logins a second, over all
 * accounts. Of the connections a quarter is kept from watchers, so that accounts are looked at even where not all can be watched.
 *
 * <p>It also keeps a process that starts with many accounts from storming their servers: those that wait are served in order, and
 * no more than so many logins are under way at once.
 */
public final class HostBudget {
    /** Over all hosts; each takes 300 KB. */
    private static final int COMPRESSED_MAX = 64;

    /** Of a login: what costs us anything in it is done by then. */
    private static final Duration TURN_TIME_MAX = Duration.ofSeconds(1);

    private final Semaphore compressed = new Semaphore(COMPRESSED_MAX);
    private final Semaphore loginsAtOnce;
    private final int loginsPerSecond;
    private final int connections;
    private final Map<String, Host> hosts = new ConcurrentHashMap<>();

    /**
     * @param loginsAtOnce over all hosts
     * @param loginsPerSecond to one host
     * @param connections to one host, at least 4
     */
    public HostBudget(int loginsAtOnce, int loginsPerSecond, int connections) {
        this.loginsAtOnce = new Semaphore(loginsAtOnce, true);
        this.loginsPerSecond = loginsPerSecond;
        this.connections = connections;
    }

    /**
     * Connecting is slower than the logins may be, so that connections do not wait for their turn to log in; a tenth of the budget
     * is kept for logins that are on their way a little longer than the one before them.
     */
    private record Host(LoginPace connecting, LoginPace loggingIn, Semaphore connections, Semaphore watchers) {}

    private Host host(String name) {
        return hosts.computeIfAbsent(
                name,
                unused -> new Host(
                        new LoginPace(Math.max(1, loginsPerSecond * 3 / 4)),
                        new LoginPace(Math.max(1, loginsPerSecond * 9 / 10)),
                        new Semaphore(connections, true),
                        new Semaphore(connections - connections / 4, true)));
    }

    /** Connects and logs in when its turn has come. A server that takes its time holds nobody else up: they do not wait for its end. */
    public <T> T login(String host, Login<T> login) throws InterruptedException {
        Thread.sleep(host(host).connecting().reserve(System.nanoTime()));
        loginsAtOnce.acquire();
        Place turn = new Place(loginsAtOnce::release);
        Thread timer = Thread.ofVirtual().start(() -> {
            try {
                Thread.sleep(TURN_TIME_MAX);
                turn.close();
            } catch (InterruptedException done) {
                Thread.currentThread().interrupt();
            }
        });
        try {
            return login.run();
        } finally {
            timer.interrupt();
            turn.close();
        }
    }

    @FunctionalInterface
    public interface Login<T> {
        T run() throws InterruptedException;
    }

    /**
     * Waited for on an open connection just before the credential is sent. On a busy machine a TLS handshake may take a second longer
     * than the next one: though connecting was spaced, the logins would meet.
     */
    public Uni<Void> loginTurn(String host) {
        return Uni.createFrom().deferred(() -> {
            long millis = host(host).loggingIn().reserve(System.nanoTime()).toMillis();
            Uni<Void> now = Uni.createFrom().voidItem();
            return millis == 0 ? now : now.onItem().delayIt().by(Duration.ofMillis(millis));
        });
    }

    /** A connection that may be open until this is closed. Closing it twice is closing it once. */
    public static final class Place implements AutoCloseable {
        private final Runnable release;
        private boolean closed;

        private Place(Runnable release) {
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

    /** For a pass: waits until there is a place. */
    public Place place(String name) throws InterruptedException {
        Host host = host(name);
        host.connections().acquire();
        return new Place(() -> host.connections().release());
    }

    /** For a watcher: only if there is a place now. */
    public Optional<Place> placeToWatch(String name) {
        Host host = host(name);
        if (!host.watchers().tryAcquire()) {
            return Optional.empty();
        }
        if (!host.connections().tryAcquire()) {
            host.watchers().release();
            return Optional.empty();
        }
        return Optional.of(new Place(() -> {
            host.connections().release();
            host.watchers().release();
        }));
    }

    /** For a connection that is to be compressed: only if not too many are. */
    public Optional<Place> placeToCompress() {
        return compressed.tryAcquire() ? Optional.of(new Place(compressed::release)) : Optional.empty();
    }

    /** Whether accounts wait for a place: who does not need its connection just now gives it up. */
    public boolean isWaitedFor(String name) {
        return host(name).connections().hasQueuedThreads();
    }

    /**
     * Lets no more than so many through in any second: a burst of as many where it was quiet, then evenly. It is told the time. Each
     * reservation is kept, so those who wait are served in order.
     */
    static final class LoginPace {
        private static final long SECOND_NANOS = Duration.ofSeconds(1).toNanos();

        private final long apartNanos;
        /** The last second's worth of reservations, the oldest at {@code reserved} modulo their number. */
        private final long[] recent;

        private long reserved;
        private long lastNanos;

        LoginPace(int perSecond) {
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
