package org.postbus.kit.concurrent;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import org.postbus.model.TenantId;

/**
 * Lets a tenant have a part of the connections at a time, so that the transactions of one tenant that wait, for a lock or a slow statement, leave
 * connections for the others. Those above wait in order, without a connection and without a thread, where {@link FairPermits} would block one.
 * Thread-safe.
 */
public final class TenantPermits {
    private final int atOnceMax;
    private final int waitingMax;
    private final Map<TenantId, OfTenant> tenants = new HashMap<>();

    /**
     * @param atOnceMax of one tenant
     * @param waitingMax of one tenant; more are refused
     */
    public TenantPermits(int atOnceMax, int waitingMax) {
        this.atOnceMax = atOnceMax;
        this.waitingMax = waitingMax;
    }

    private static final class OfTenant {
        private int running;
        private final Queue<Runnable> waiting = new ArrayDeque<>();
    }

    /**
     * Calls {@code start} now, or when another one of the tenant has left. For each start {@link #leave} must be called once.
     *
     * @return false if too many wait: then {@code start} is not called
     */
    public boolean enter(TenantId tenant, Runnable start) {
        synchronized (this) {
            OfTenant ofTenant = tenants.computeIfAbsent(tenant, id -> new OfTenant());
            if (ofTenant.running == atOnceMax) {
                return ofTenant.waiting.size() < waitingMax && ofTenant.waiting.add(start);
            }
            ofTenant.running++;
        }
        start.run();
        return true;
    }

    /**
     * Takes back a start that still waits: nobody needs its result any more.
     *
     * @param start the same object as in {@link #enter}
     * @return false if it does not wait: it has been called, or will be by another thread at this moment
     */
    public synchronized boolean abandon(TenantId tenant, Runnable start) {
        OfTenant ofTenant = tenants.get(tenant);
        return ofTenant != null && ofTenant.waiting.remove(start);
    }

    public void leave(TenantId tenant) {
        Runnable next;
        synchronized (this) {
            OfTenant ofTenant = tenants.get(tenant);
            next = ofTenant.waiting.poll();
            if (next == null && --ofTenant.running == 0) {
                tenants.remove(tenant);
            }
        }
        if (next != null) {
            next.run();
        }
    }
}
