package org.postbus.topic;

import java.util.Objects;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * One record of {@link Topics#SYNC_REQUESTS}: the account is to be synced now. Every fetcher reads all of these records and ignores those
 * of accounts that it does not sync. A request may be lost: the account's next poll finds the same changes, only later.
 */
public record SyncRequest(TenantId tenantId, AccountId accountId) {
    public SyncRequest {
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(accountId);
    }
}
