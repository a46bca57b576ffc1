package org.postbus.writer.apply;

import java.time.Instant;
import java.util.UUID;
import java.util.function.Supplier;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.decide.AccountSync;

/**
 * What every step of a batch works with. Used by one thread.
 *
 * @param transaction holds the lock of the account
 * @param sync the account's locked row
 * @param changes of this transaction
 * @param ids gives ids of new rows
 * @param now the time of the batch's changes
 */
record BatchContext(
        Transaction transaction,
        TenantId tenant,
        AccountId account,
        AccountSync sync,
        ChangeLog changes,
        Supplier<UUID> ids,
        Instant now) {

    static BatchContext of(
            Transaction transaction, ObservationBatch batch, AccountSync sync, Supplier<UUID> ids, Instant now) {
        ChangeLog changes = new ChangeLog(transaction, batch.tenantId(), batch.accountId(), sync, ids, now);
        return new BatchContext(transaction, batch.tenantId(), batch.accountId(), sync, changes, ids, now);
    }
}
