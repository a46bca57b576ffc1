package org.postbus.outbound.flush;

import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.model.AccountId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;
import org.postbus.outbound.mutation.HeldClaim;
import org.postbus.outbound.mutation.HeldClaim.Confirmation;
import org.postbus.outbound.table.PendingChangesTable;

/** Marks claimed mutations as sent before the first command for them, and lets the protocols confirm the claim. Blocks. */
final class MutationSending {
    private final FlushContext context;
    private final PendingChangesTable pendingChanges;
    private final TenantId tenant;
    private final AccountId account;
    private final long claimedAt;

    /** @param claimedAt by {@link System#nanoTime}, before the mutations were claimed */
    MutationSending(
            FlushContext context,
            PendingChangesTable pendingChanges,
            TenantId tenant,
            AccountId account,
            long claimedAt) {
        this.context = context;
        this.pendingChanges = pendingChanges;
        this.tenant = tenant;
        this.account = account;
        this.claimedAt = claimedAt;
    }

    /**
     * From now on a user cannot discard them.
     *
     * @return those that this process still owns
     * @throws InfrastructureFailureException if the database is unavailable; nothing was sent
     */
    Set<MutationId> begin(Collection<MutationId> mutations) {
        return context.database()
                .run(tenant, connection -> pendingChanges.markSent(connection, account, List.copyOf(mutations)));
    }

    HeldClaim claim(Collection<MutationId> mutations) {
        return new HeldClaim(PendingChangesTable.CLAIM_TIME, () -> confirmed(mutations), System::nanoTime, claimedAt);
    }

    private Confirmation confirmed(Collection<MutationId> mutations) {
        try {
            return begin(mutations).size() == mutations.size() ? Confirmation.HELD : Confirmation.LOST;
        } catch (InfrastructureFailureException e) {
            return Confirmation.UNKNOWN;
        }
    }
}
