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
import org.postbus.gateway.audit.Actor;
import org.postbus.gateway.audit.AuditEntry;
import org.postbus.gateway.audit.AuditLog;

/**
 * Wrong credentials, by the address they came from: an IPv4 address, or an IPv6 network of 64 bits, which one client commonly has. An address
 * may send {@link AttemptBucket#BURST} wrong ones, and {@link AttemptBucket#PER_MINUTE} per minute after that. The audit log gets
 * one entry per address and minute.
 */
@ApplicationScoped
class FailedLogins {
    private static final int ADDRESSES_MAX = 10_000;
    private static final Duration KEPT = Duration.ofMinutes(5);
    private static final Duration ENTRY_EVERY = Duration.ofMinutes(1);
    private static final int IPV6_PREFIX = 64;

    private final AuditLog log;
    private final Counter failed;
    private final Cache<Network, OfAddress> addresses = Caffeine.newBuilder()
            .expireAfterAccess(KEPT)
            .maximumSize(ADDRESSES_MAX)
            .build();

    FailedLogins(AuditLog log, MeterRegistry metrics) {
        this.log = log;
        this.failed = metrics.counter("postbus.gateway.logins.failed");
    }

    private record OfAddress(AttemptBucket bucket, Instant lastEntry) {}

    /** Empty: the address may try a credential that is not known to be valid. */
    Optional<Duration> waitBeforeNext(InetAddress address) {
        OfAddress found = addresses.getIfPresent(network(address));
        return found == null ? Optional.empty() : found.bucket().waitBeforeNext(Instant.now());
    }

    void failed(InetAddress address, String requestId) {
        failed.increment();
        Instant now = Instant.now();
        boolean[] due = new boolean[1];
        addresses.asMap().compute(network(address), (network, before) -> {
            AttemptBucket bucket = before == null ? AttemptBucket.full(now) : before.bucket();
            due[0] = before == null || !now.isBefore(before.lastEntry().plus(ENTRY_EVERY));
            return new OfAddress(bucket.take(now), due[0] ? now : before.lastEntry());
        });
        if (due[0]) {
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

    private static Network network(InetAddress address) {
        return Network.around(address, address instanceof Inet6Address ? IPV6_PREFIX : 32);
    }
}
