package org.postbus.gateway.change;

import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.postbus.model.TenantId;

/** The event streams that are open in this process, by tenant. */
@ApplicationScoped
public class OpenStreams {
    private static final StreamLimits LIMITS = StreamLimits.DEFAULT;

    private final Map<TenantId, Set<EventStream>> streams = new ConcurrentHashMap<>();
    private final AtomicInteger open = new AtomicInteger();

    OpenStreams(MeterRegistry metrics) {
        metrics.gauge("postbus.gateway.streams.open", open);
    }

    boolean isEmpty() {
        return open.get() == 0;
    }

    /** @return why the stream can not be opened; empty: it is added */
    Optional<String> add(EventStream stream) {
        AtomicReference<Optional<String>> refusal = new AtomicReference<>(Optional.empty());
        streams.compute(stream.tenant(), (tenant, present) -> {
            Set<EventStream> before = present == null ? Set.of() : present;
            refusal.set(LIMITS.refusal(open.getAndIncrement(), before.size()));
            if (refusal.get().isPresent()) {
                open.decrementAndGet();
                return present;
            }
            Set<EventStream> changed = new HashSet<>(before);
            changed.add(stream);
            return Set.copyOf(changed);
        });
        return refusal.get();
    }

    void remove(EventStream stream) {
        streams.computeIfPresent(stream.tenant(), (tenant, present) -> {
            Set<EventStream> changed = new HashSet<>(present);
            if (changed.remove(stream)) {
                open.decrementAndGet();
            }
            return changed.isEmpty() ? null : Set.copyOf(changed);
        });
    }

    void deliver(TenantId tenant, LoggedChange change) {
        streams.getOrDefault(tenant, Set.of()).forEach(stream -> stream.offer(change));
    }

    /** Live changes may have been missed: every stream reads the change log. */
    void readLog() {
        streams.values().forEach(ofTenant -> ofTenant.forEach(EventStream::readLog));
    }

    void end() {
        streams.values().forEach(ofTenant -> ofTenant.forEach(EventStream::end));
    }
}
