package org.postbus.topic;

import java.util.Objects;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * One record of {@link Topics#MUTATIONS}: the account has wishes or messages that are due. These are rows of
 * {@code pending_changes} and {@code submission}; a lost bell loses nothing, for a sweeper rings again.
 */
public record MutationNotification(TenantId tenantId, AccountId accountId) {
    public MutationNotification {
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(accountId);
    }
}
