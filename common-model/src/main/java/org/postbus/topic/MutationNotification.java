package org.postbus.topic;

import java.util.Objects;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * One record of {@link Topics#MUTATIONS}: the account has rows in {@code pending_changes} or {@code submission} that are due. It may be
 * lost: a periodic job of outbound-service finds the same rows, only later.
 */
public record MutationNotification(TenantId tenantId, AccountId accountId) {
    public MutationNotification {
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(accountId);
    }
}
