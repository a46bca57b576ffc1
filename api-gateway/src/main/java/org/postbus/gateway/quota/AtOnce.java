package org.postbus.gateway.quota;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.TenantId;

/** What a tenant does at the same time, in this process. Thread-safe. */
@ApplicationScoped
public class AtOnce {
    private static final Duration RETRY = Duration.ofSeconds(2);

    private final TenantQuotas quotas;
    private final Map<Key, Long> running = new HashMap<>();

    public AtOnce(TenantQuotas quotas) {
        this.quotas = quotas;
    }

    private record Key(TenantId tenant, Quota quota) {}

    /** Does the work, unless so much of it runs that the quota is reached: then fails with a 429 problem. */
    public <T> Uni<T> run(TenantId tenant, Quota quota, Supplier<Uni<T>> work) {
        return quotas.read(tenant).chain(limits -> {
            long limit = limits.of(quota);
            if (!enter(tenant, quota, limit)) {
                throw Problem.tooMany(
                        "the quota " + quota.wireName() + " (" + limit + ") is used up: " + quota.remedy(),
                        RETRY,
                        new Problem.Exceeded(quota.wireName(), limit, Optional.of(limit)));
            }
            // The end comes once: with a result, a failure or a cancellation.
            AtomicBoolean left = new AtomicBoolean();
            return Uni.createFrom().deferred(work::get).onTermination().invoke(() -> {
                if (left.compareAndSet(false, true)) {
                    leave(tenant, quota);
                }
            });
        });
    }

    public synchronized long running(TenantId tenant, Quota quota) {
        return running.getOrDefault(new Key(tenant, quota), 0L);
    }

    /** For work that is no Uni: whoever gets true calls {@link #leave} once. */
    public synchronized boolean enter(TenantId tenant, Quota quota, long limit) {
        Key key = new Key(tenant, quota);
        long before = running.getOrDefault(key, 0L);
        if (before >= limit) {
            return false;
        }
        running.put(key, before + 1);
        return true;
    }

    public synchronized void leave(TenantId tenant, Quota quota) {
        running.computeIfPresent(new Key(tenant, quota), (same, count) -> count == 1 ? null : count - 1);
    }
}
