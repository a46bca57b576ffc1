package org.postbus.event;

import java.util.Objects;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * One record of {@link Topics#MUTATIONS}: the account has wishes or messages that are due. These are rows of
 * {@code pending_changes} and {@code submission}; a lost bell loses nothing, for a sweeper rings again.
 */
public record MutationBell(TenantId tenantId, AccountId accountId) {
    public MutationBell {
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(accountId);
    }
}
