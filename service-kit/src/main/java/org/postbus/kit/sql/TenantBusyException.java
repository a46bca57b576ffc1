package org.postbus.kit.sql;

/** Too many transactions of one tenant wait already ({@link TenantTransactions.Limits#withPerTenantMax}). Nothing was done. */
public final class TenantBusyException extends RuntimeException {
    private static final long serialVersionUID = 1;

    TenantBusyException(int waitingMax) {
        super(waitingMax + " transactions of this tenant wait already");
    }
}
