package org.postbus.fetcher.loop;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.postbus.account.SyncState;
import org.postbus.fetcher.source.WakeKind;
import org.postbus.model.AccountId;
import org.postbus.topic.AccountRecord.Protocol;

/** The meters of accounts and passes. None is tagged with an account: there are too many of them. */
public final class AccountMetrics {
    private final MeterRegistry registry;
    private final Map<SyncState, AtomicInteger> accounts = new EnumMap<>(SyncState.class);
    private final Map<AccountId, Instant> lastPass = new ConcurrentHashMap<>();

    public AccountMetrics(MeterRegistry registry) {
        this.registry = registry;
        for (SyncState state : SyncState.values()) {
            AtomicInteger count = new AtomicInteger();
            accounts.put(state, count);
            Gauge.builder("postbus.fetcher.accounts", count, AtomicInteger::get)
                    .description("Accounts that this fetcher synchronises")
                    .tag("state", state.wireName())
                    .register(registry);
        }
        Gauge.builder("postbus.fetcher.sync.lag", this, AccountMetrics::lagSeconds)
                .baseUnit("seconds")
                .description("Age of the oldest last pass among the accounts that do not fail")
                .register(registry);
    }

    /** An account changed its state; empty before its loop has counted it and after the loop has ended. */
    void stateChanged(Optional<SyncState> before, Optional<SyncState> after) {
        before.ifPresent(state -> accounts.get(state).decrementAndGet());
        after.ifPresent(state -> accounts.get(state).incrementAndGet());
    }

    void passFinished(AccountId account, Protocol protocol, Instant startedAt, Instant finishedAt) {
        Timer.builder("postbus.fetcher.pass")
                .tag("protocol", protocol.wireName())
                .register(registry)
                .record(Duration.between(startedAt, finishedAt));
        lastPass.put(account, finishedAt);
    }

    /** The account failed or stopped: the age of its last pass does not show how well this fetcher keeps up. */
    void passesEnded(AccountId account) {
        lastPass.remove(account);
    }

    void woken(WakeKind kind) {
        registry.counter("postbus.fetcher.wakeups", "kind", kind.metricName()).increment();
    }

    /** @param kind the name of a {@code ServerFailure}, or {@code backend}, {@code fence} or {@code unexpected} */
    void failed(String kind) {
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
