package org.postbus.gateway.change;

import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.postbus.model.TenantId;

/** The event streams that are open in this process, by tenant. */
@ApplicationScoped
public class OpenStreams {
    static final int PER_TENANT_MAX = 100;
    static final int PER_PROCESS_MAX = 2_000;

    private final Map<TenantId, Set<EventStream>> streams = new ConcurrentHashMap<>();
    private final AtomicInteger open = new AtomicInteger();

    OpenStreams(MeterRegistry metrics) {
        metrics.gauge("postbus.gateway.streams.open", open);
    }

    boolean isEmpty() {
        return open.get() == 0;
    }

    /** @return false if a limit is reached */
    boolean add(EventStream stream) {
        if (open.incrementAndGet() > PER_PROCESS_MAX) {
            open.decrementAndGet();
            return false;
        }
        boolean[] added = new boolean[1];
        streams.compute(stream.tenant(), (tenant, present) -> {
            Set<EventStream> changed = new HashSet<>(present == null ? Set.of() : present);
            added[0] = changed.size() < PER_TENANT_MAX && changed.add(stream);
            return Set.copyOf(changed);
        });
        if (!added[0]) {
            open.decrementAndGet();
        }
        return added[0];
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
