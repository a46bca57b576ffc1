package org.postbus.fetcher.loop;

import java.time.Duration;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.model.TenantId;

/**
 * The turns of an account that is synced for the first time: few such accounts read mail at the same time. After each batch the account passes
 * its permit on and waits for its next turn, so a large mailbox does not hold up small ones. A turn in which the server is slow ends early: its
 * account goes on, and another one may begin.
 */
final class InitialTurn implements AutoCloseable {
    /** The processor time of one batch is used up by then. */
    private static final Duration TIME_MAX = Duration.ofSeconds(2);

    private final FairPermits<TenantId> permits;
    private final TenantId tenant;
    private FairPermits<TenantId>.Permit permit;

    InitialTurn(FairPermits<TenantId> permits, TenantId tenant) throws InterruptedException {
        this.permits = permits;
        this.tenant = tenant;
        this.permit = permits.acquire(tenant).forAtMost(TIME_MAX);
    }

    void next() throws InterruptedException {
        permit.close();
        permit = permits.acquire(tenant).forAtMost(TIME_MAX);
    }

    @Override
    public void close() {
        permit.close();
    }
}
