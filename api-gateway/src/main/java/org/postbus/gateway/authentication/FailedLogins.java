package org.postbus.gateway.authentication;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.postbus.gateway.audit.Actor;
import org.postbus.gateway.audit.AuditEntry;
import org.postbus.gateway.audit.AuditLog;
import org.postbus.gateway.rate.TokenBucket;
import org.postbus.network.IpNetwork;

/**
 * Wrong credentials, by the address they came from: an IPv4 address, or an IPv6 network of 64 bits, which one client commonly has. An address
 * may send {@value #BURST} wrong ones, and {@value #PER_MINUTE} per minute after that. The audit log gets
 * one entry per address and minute, and not more than {@value #ENTRIES_BURST} at once and one per second after that.
 */
@ApplicationScoped
class FailedLogins {
    static final int BURST = 10;
    static final int PER_MINUTE = 10;

    private static final double PER_SECOND = PER_MINUTE / 60.0;
    private static final int ADDRESSES_MAX = 10_000;
    private static final Duration KEPT = Duration.ofMinutes(5);
    private static final Duration ENTRY_EVERY = Duration.ofMinutes(1);
    private static final int IPV6_PREFIX = 64;
    /** Of all addresses together: a client may have more IPv6 networks than the log has room for. The metric counts all. */
    private static final double ENTRIES_PER_SECOND = 1;

    private static final int ENTRIES_BURST = 600;

    private final AuditLog log;
    private final Counter failed;
    private final TokenBucket entries = new TokenBucket();
    private final Cache<IpNetwork, OfAddress> addresses = Caffeine.newBuilder()
            .expireAfterAccess(KEPT)
            .maximumSize(ADDRESSES_MAX)
            .build();

    FailedLogins(AuditLog log, MeterRegistry metrics) {
        this.log = log;
        this.failed = metrics.counter("postbus.gateway.logins.failed");
    }

    /** @param lastEntry in the audit log */
    private record OfAddress(TokenBucket bucket, AtomicReference<Instant> lastEntry) {}

    /**
     * Before a credential is looked up that is not known to be valid: counts it as a wrong one, until {@link #wasRight}. So the attempts that are
     * under way count, too.
     *
     * @return empty if the address may try it
     */
    Optional<Duration> attempt(InetAddress address) {
        return of(address).bucket().take(PER_SECOND, BURST, System.nanoTime());
    }

    /** The credential of an {@link #attempt} was not wrong. */
    void wasRight(InetAddress address) {
        of(address).bucket().giveBack(BURST);
    }

    /** Counts and logs a wrong credential. */
    void failed(InetAddress address, String requestId) {
        failed.increment();
        Instant now = Instant.now();
        Instant before = of(address).lastEntry().getAndUpdate(last -> isDue(last, now) ? now : last);
        if (isDue(before, now)
                && entries.take(ENTRIES_PER_SECOND, ENTRIES_BURST, System.nanoTime())
                        .isEmpty()) {
            log.add(new AuditEntry(
                    Optional.empty(),
                    now,
                    new Actor.Nobody().text(),
                    Optional.of(address.getHostAddress()),
                    Optional.of(requestId),
                    "login.failed",
                    Optional.of(network(address).toString()),
                    AuditEntry.outcome(401),
                    Optional.of(401)));
        }
    }

    private static boolean isDue(Instant lastEntry, Instant now) {
        return !now.isBefore(lastEntry.plus(ENTRY_EVERY));
    }

    private OfAddress of(InetAddress address) {
        return addresses.get(
                network(address), network -> new OfAddress(new TokenBucket(), new AtomicReference<>(Instant.EPOCH)));
    }

    private static IpNetwork network(InetAddress address) {
        return IpNetwork.around(address, address instanceof Inet6Address ? IPV6_PREFIX : 32);
    }
}
