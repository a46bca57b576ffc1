package org.postbus.gateway.quota;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.rate.TokenBucket;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** Rates, in this process. Each method fails with a 429 problem that says when the next request is granted. Thread-safe. */
@ApplicationScoped
public class Rates {
    private static final double SECONDS_PER_MINUTE = 60;
    /** A bucket that is not used is full again after this time at every rate. */
    private static final Duration KEPT = Duration.ofMinutes(10);

    private static final int BUCKETS_MAX = 200_000;

    private final TenantQuotas quotas;
    private final Cache<Key, TokenBucket> buckets = Caffeine.newBuilder()
            .expireAfterAccess(KEPT)
            .maximumSize(BUCKETS_MAX)
            .build();

    Rates(TenantQuotas quotas) {
        this.quotas = quotas;
    }

    /** @param object the tenant or an account */
    private record Key(Quota quota, UUID object) {}

    /** Counts one request of the tenant. */
    public Uni<Void> request(TenantId tenant) {
        return quotas.read(tenant)
                .invoke(limits -> take(
                        Quota.REQUESTS_PER_SECOND,
                        tenant.value(),
                        limits.of(Quota.REQUESTS_PER_SECOND),
                        Math.max(1, limits.of(Quota.REQUESTS_BURST)),
                        limits.of(Quota.REQUESTS_PER_SECOND)))
                .replaceWithVoid();
    }

    /** Counts one login that is tried, or one discovery. */
    public Uni<Void> check(TenantId tenant) {
        return perMinute(tenant, Quota.CHECKS_PER_MINUTE, tenant.value());
    }

    /** Counts one sync request of the account. */
    public Uni<Void> sync(TenantId tenant, AccountId account) {
        return perMinute(tenant, Quota.SYNCS_PER_ACCOUNT_AND_MINUTE, account.value());
    }

    private Uni<Void> perMinute(TenantId tenant, Quota quota, UUID object) {
        return quotas.read(tenant)
                .invoke(limits -> {
                    long limit = limits.of(quota);
                    take(quota, object, limit / SECONDS_PER_MINUTE, limit, limit);
                })
                .replaceWithVoid();
    }

    private void take(Quota quota, UUID object, double perSecond, double burst, long limit) {
        Optional<Duration> wait =
                buckets.get(new Key(quota, object), key -> new TokenBucket()).take(perSecond, burst, System.nanoTime());
        if (wait.isPresent()) {
            // Rounded up: Retry-After has whole seconds.
            throw Problem.tooMany(
                    "the quota " + quota.wireName() + " (" + limit + ") is used up: " + quota.remedy(),
                    wait.get().plusMillis(999),
                    new Problem.Exceeded(quota.wireName(), limit, Optional.empty()));
        }
    }
}
