package org.postbus.fetcher.publish;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.postbus.event.AccountRecord.Protocol;
import org.postbus.event.SyncState;
import org.postbus.fetcher.source.WakeKind;
import org.postbus.model.AccountId;

/** Every meter of this service. None is tagged with an account: there are too many of them. */
public final class FetcherMetrics {
    private final MeterRegistry registry;
    private final Map<SyncState, AtomicInteger> accounts = new EnumMap<>(SyncState.class);
    private final Map<AccountId, Instant> lastPass = new ConcurrentHashMap<>();
    private final AtomicInteger batchesInFlight = new AtomicInteger();
    private final Counter observations;
    private final Counter batches;

    public FetcherMetrics(MeterRegistry registry) {
        this.registry = registry;
        for (SyncState state : SyncState.values()) {
            AtomicInteger count = new AtomicInteger();
            accounts.put(state, count);
            Gauge.builder("postbus.fetcher.accounts", count, AtomicInteger::get)
                    .description("Accounts that this fetcher synchronises")
                    .tag("state", state.wireName())
                    .register(registry);
        }
        Gauge.builder("postbus.fetcher.batches.in.flight", batchesInFlight, AtomicInteger::get)
                .description("Batches that the broker has not acknowledged")
                .register(registry);
        Gauge.builder("postbus.fetcher.sync.lag", this, FetcherMetrics::lagSeconds)
                .baseUnit("seconds")
                .description("Age of the oldest last pass among the accounts that are not in trouble")
                .register(registry);
        observations = Counter.builder("postbus.fetcher.observations")
                .description("Observations sent")
                .register(registry);
        batches = Counter.builder("postbus.fetcher.batches").register(registry);
    }

    /** @param before or {@code after} null: not running */
    public void accountMoved(SyncState before, SyncState after) {
        if (before != null) {
            accounts.get(before).decrementAndGet();
        }
        if (after != null) {
            accounts.get(after).incrementAndGet();
        }
    }

    void batchSent(int observationCount) {
        batches.increment();
        observations.increment(observationCount);
        batchesInFlight.incrementAndGet();
    }

    void batchAcked() {
        batchesInFlight.decrementAndGet();
    }

    public void passFinished(AccountId account, Protocol protocol, Instant startedAt, Instant finishedAt) {
        Timer.builder("postbus.fetcher.pass")
                .tag("protocol", protocol.wireName())
                .register(registry)
                .record(Duration.between(startedAt, finishedAt));
        lastPass.put(account, finishedAt);
    }

    /** The account failed or stopped: its age does not tell how well this fetcher keeps up. */
    public void passesEnded(AccountId account) {
        lastPass.remove(account);
    }

    public void woken(WakeKind kind) {
        registry.counter("postbus.fetcher.wakeups", "kind", kind.metricName()).increment();
    }

    /** @param kind a {@code ServerFailure}, {@code backend}, {@code fence} or {@code unexpected} */
    public void failed(String kind) {
        registry.counter("postbus.fetcher.failures", "kind", kind).increment();
    }

    private double lagSeconds() {
        Instant now = Instant.now();
        return lastPass.values().stream()
                .mapToDouble(at -> Duration.between(at, now).toMillis() / 1000.0)
                .max()
                .orElse(0);
    }
}
