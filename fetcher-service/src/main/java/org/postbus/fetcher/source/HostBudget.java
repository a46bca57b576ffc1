package org.postbus.fetcher.source;

import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.postbus.fetcher.store.Claim;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.kit.concurrent.FairPermits.Urgency;
import org.postbus.model.TenantId;

/**
 * This process's share of what a mail provider allows, by host and over all accounts: a number of IMAP connections, and a rate of logins (IMAP
 * and JMAP). Watchers get at most three quarters of the connections, so that accounts are polled even where not all can be watched. With N
 * fetchers each one is configured with 1/N of what the provider allows.
 *
 * <p>It also limits the load when a process starts with many accounts: the number of logins in progress at once is limited over all hosts. The
 * tenants that wait for anything here are served in turn ({@link FairPermits}), and of one tenant's accounts those first whose initial sync
 * has ended: so an account in sync waits neither for another tenant's accounts nor for its own tenant's new ones.
 */
public final class HostBudget {
    /** Over all hosts; each takes 300 KB. */
    private static final int COMPRESSED_MAX = 64;

    /** With fewer, no connection is reserved for passes, and watchers could hold all of them. */
    static final int CONNECTIONS_MIN = 4;

    /** A login's permit is released after this time: what costs this process CPU time in it is done by then. */
    private static final Duration LOGIN_PERMIT_TIME_MAX = Duration.ofSeconds(1);

    /** One in so many connections to a host is left by one tenant to others; few, because a tenant may need nearly all. */
    private static final int RESERVED_CONNECTION = 20;

    private static final int HOSTS_MAX = 10_000;

    private final FairPermits<TenantId> compressed = new FairPermits<>(COMPRESSED_MAX);
    private final FairPermits<TenantId> loginsAtOnce;
    private final int loginsPerSecond;
    private final int connections;
    private final Consumer<Duration> rateWaits;
    private final Consumer<Duration> connectionWaits;
    private final Map<String, Host> hosts = new ConcurrentHashMap<>();

    /**
     * @param loginsAtOnce over all hosts
     * @param loginsPerSecond to one host
     * @param connections to one host
     * @throws IllegalArgumentException if there are fewer than 4 connections
     */
    public HostBudget(int loginsAtOnce, int loginsPerSecond, int connections) {
        this(loginsAtOnce, loginsPerSecond, connections, pool -> waited -> {});
    }

    /** @param waits is given, by the name of a pool, the time that each request waited there */
    public HostBudget(
            int loginsAtOnce, int loginsPerSecond, int connections, Function<String, Consumer<Duration>> waits) {
        if (connections < CONNECTIONS_MIN) {
            throw new IllegalArgumentException(
                    "POSTBUS_FETCHER_CONNECTIONS_PER_HOST must be at least " + CONNECTIONS_MIN + ", not " + connections
                            + ": a quarter of the connections is reserved for sync passes");
        }
        this.loginsAtOnce = new FairPermits<>(loginsAtOnce, waits.apply("logins"));
        this.rateWaits = waits.apply("login-rate");
        this.connectionWaits = waits.apply("connections");
        this.loginsPerSecond = loginsPerSecond;
        this.connections = connections;
    }

    /**
     * Connecting is limited to a lower rate than logging in, so that open connections do not wait to log in. One tenth of the login rate is not
     * used: logins that were sent in different seconds may reach the server in the same one.
     *
     * @param next held by the one that waits for its time to connect
     */
    private record Host(
            FairPermits<TenantId> next,
            LoginRateLimit connecting,
            LoginRateLimit loggingIn,
            FairPermits<TenantId> connections,
            FairPermits<TenantId> watchers) {
        boolean isIdle() {
            return Stream.of(next, connections, watchers)
                    .allMatch(permits -> permits.held() == 0 && !permits.isContended());
        }
    }

    private Host host(String name) {
        // Tenants choose the names: what nobody uses now is forgotten.
        if (hosts.size() >= HOSTS_MAX && !hosts.containsKey(name)) {
            hosts.values().removeIf(Host::isIdle);
        }
        return hosts.computeIfAbsent(name, unused -> {
            int watchers = connections - connections / 4;
            return new Host(
                    new FairPermits<>(1, rateWaits),
                    new LoginRateLimit(Math.max(1, loginsPerSecond * 3 / 4)),
                    new LoginRateLimit(Math.max(1, loginsPerSecond * 9 / 10)),
                    new FairPermits<>(connections, connections / RESERVED_CONNECTION, connectionWaits),
                    new FairPermits<>(watchers, watchers / RESERVED_CONNECTION, waited -> {}));
        });
    }

    /**
     * Whose login it is.
     *
     * @param urgency {@code LATER} for accounts that have never been in sync
     */
    public record Who(TenantId tenant, Urgency urgency) {
        public static Who of(Claim claim) {
            return new Who(claim.tenantId(), claim.initialDone() ? Urgency.FIRST : Urgency.LATER);
        }
    }

    /** Connects and logs in as soon as the rate limit allows. A slow server delays no other login: its permit is released after a second. */
    public <T> T login(Who who, String name, Login<T> login) throws InterruptedException {
        Host host = host(name);
        try (var next = host.next().acquire(who.tenant(), who.urgency(), 1)) {
            Thread.sleep(host.connecting().reserve(System.nanoTime()));
        }
        try (var permit = loginsAtOnce.acquire(who.tenant(), who.urgency(), 1).forAtMost(LOGIN_PERMIT_TIME_MAX)) {
            return login.run();
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
    @FunctionalInterface
    public interface Permit extends AutoCloseable {
        @Override
        void close();
    }

    /** For the connection of a pass: waits until one is allowed. */
    public Permit connectionPermit(Who who, String name) throws InterruptedException {
        return host(name).connections().acquire(who.tenant(), who.urgency(), 1)::close;
    }

    /** For the connection of a watcher: empty if none is allowed now. */
    public Optional<Permit> watcherPermit(Who who, String name) {
        Host host = host(name);
        var watcher = host.watchers().tryAcquire(who.tenant());
        if (watcher.isEmpty()) {
            return Optional.empty();
        }
        var connection = host.connections().tryAcquire(who.tenant());
        if (connection.isEmpty()) {
            watcher.get().close();
            return Optional.empty();
        }
        return Optional.of(() -> {
            connection.get().close();
            watcher.get().close();
        });
    }

    /** For a compressed connection: empty if too many are compressed now. */
    public Optional<Permit> compressionPermit(Who who) {
        return compressed.tryAcquire(who.tenant()).map(permit -> permit::close);
    }

    /** Whether passes of other accounts wait for a connection: an account that does not need its own now closes it. */
    public boolean isContended(String name) {
        return host(name).connections().isContended();
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
