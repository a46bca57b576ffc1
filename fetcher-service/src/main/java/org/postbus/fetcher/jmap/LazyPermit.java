package org.postbus.fetcher.jmap;

import java.util.Optional;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.model.TenantId;

/** A permit that is acquired once it is needed and released on close. For one thread. */
final class LazyPermit implements AutoCloseable {
    private final FairPermits<TenantId> permits;
    private final TenantId tenant;
    private Optional<FairPermits<TenantId>.Permit> held = Optional.empty();

    LazyPermit(FairPermits<TenantId> permits, TenantId tenant) {
        this.permits = permits;
        this.tenant = tenant;
    }

    /** Waits for a permit if it is needed and none was acquired before. */
    void acquireIf(boolean needed) throws InterruptedException {
        if (needed && held.isEmpty()) {
            held = Optional.of(permits.acquire(tenant));
        }
    }

    @Override
    public void close() {
        held.ifPresent(FairPermits.Permit::close);
    }
}
