package org.postbus.gateway.body;

import java.util.HashMap;
import java.util.Map;
import org.postbus.model.TenantId;

/** Bytes of memory that tenants share. No tenant may hold more than its share. Thread-safe. */
final class ByteBudget {
    private final long bytesMax;
    private final long bytesPerTenantMax;
    private final Map<TenantId, Long> held = new HashMap<>();
    private long heldByAll;

    ByteBudget(long bytesMax, long bytesPerTenantMax) {
        this.bytesMax = bytesMax;
        this.bytesPerTenantMax = bytesPerTenantMax;
    }

    enum Claim {
        GRANTED,
        /** The tenant holds its share. */
        TENANT_FULL,
        /** All tenants together hold everything. */
        FULL
    }

    synchronized Claim claim(TenantId tenant, long bytes) {
        long ofTenant = held.getOrDefault(tenant, 0L) + bytes;
        if (ofTenant > bytesPerTenantMax) {
            return Claim.TENANT_FULL;
        }
        if (heldByAll + bytes > bytesMax) {
            return Claim.FULL;
        }
        held.put(tenant, ofTenant);
        heldByAll += bytes;
        return Claim.GRANTED;
    }

    synchronized void release(TenantId tenant, long bytes) {
        held.computeIfPresent(tenant, (id, before) -> before == bytes ? null : before - bytes);
        heldByAll -= bytes;
    }

    synchronized long held() {
        return heldByAll;
    }
}
