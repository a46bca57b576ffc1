package org.postbus.writer.apply;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.TenantId;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.decide.AccountSync;
import org.postbus.writer.decide.SequenceCheck;
import org.postbus.writer.table.AccountSyncTable;
import org.postbus.writer.table.ChangeOutboxTable;
import org.postbus.writer.table.ChangeRow;
import org.postbus.writer.table.MailboxTable;

/**
 * Applies one batch in one transaction: rows, cursors, change log and the batch's sequence number.
 *
 * <p>Phases: (1) lock the account's row, (2) check fence and sequence number, (3) apply and append changes, (4) commit. If phase 1, 2 or 3 fails,
 * nothing has changed. If the answer to the commit is lost, the batch is applied again and found to be a duplicate.
 */
public final class BatchApplier {
    private final TenantTransactions transactions;
    private final Supplier<UUID> ids;

    /** @param ids gives ids of new rows; may be called by several threads */
    public BatchApplier(TenantTransactions transactions, Supplier<UUID> ids) {
        this.transactions = transactions;
        this.ids = ids;
    }

    public sealed interface Outcome {
        /**
         * @param changes the number of rows that were appended to the change log
         * @param rows the first of them
         */
        record Applied(long changes, List<ChangeRow> rows) implements Outcome {}

        record Stale() implements Outcome {}

        record Duplicate() implements Outcome {}

        record Gap() implements Outcome {}

        /** The account has been deleted, with all its rows. */
        record AccountGone() implements Outcome {}
    }

    /**
     * @throws InapplicableException if the account belongs to another tenant than the batch says, or its fence was never claimed; nothing has
     *     been changed
     * @throws org.postbus.kit.sql.UnstorableDataException if PostgreSQL can not hold the data; nothing has been changed
     * @throws org.postbus.kit.InfrastructureFailureException if the database is not available; the batch is to be applied again
     */
    public Outcome apply(ObservationBatch batch, Instant now) {
        return transactions.call(batch.tenantId(), transaction -> {
            // Sent together: PostgreSQL reads the mailboxes after it has taken the lock.
            var lock = AccountSyncTable.lock(transaction, batch.accountId());
            var mailboxes = MailboxTable.queryAll(transaction, batch.accountId());
            Optional<AccountSync> locked = AccountSyncTable.locked(transaction.rows(lock));
            if (locked.isEmpty()) {
                requireNoOtherOwner(transaction, batch);
                return new Outcome.AccountGone();
            }
            AccountSync sync = locked.get();
            return switch (sync.check(batch)) {
                case SequenceCheck.Stale stale -> new Outcome.Stale();
                case SequenceCheck.Duplicate duplicate -> new Outcome.Duplicate();
                case SequenceCheck.Gap(long newFence) -> {
                    AccountSyncTable.raiseFence(transaction, batch.accountId(), newFence);
                    yield new Outcome.Gap();
                }
                case SequenceCheck.Forged forged ->
                    throw new InapplicableException("fence " + batch.fence() + " was never claimed");
                case SequenceCheck.Next next -> {
                    long before = sync.changeSeq();
                    BatchContext context =
                            new BatchContext(transaction, batch.tenantId(), batch.accountId(), sync, ids, now);
                    List<ChangeRow> rows = new BatchApplication(context, MailboxTable.all(transaction.rows(mailboxes)))
                            .apply(batch.observations());
                    if (sync.changeSeq() > before) {
                        ChangeOutboxTable.add(
                                transaction, batch.tenantId(), batch.accountId(), before + 1, sync.changeSeq());
                    }
                    sync.applied(batch);
                    AccountSyncTable.save(transaction, batch.accountId(), sync.row());
                    yield new Outcome.Applied(sync.changeSeq() - before, rows);
                }
            };
        });
    }

    private static void requireNoOtherOwner(Transaction transaction, ObservationBatch batch) {
        Optional<TenantId> owner = AccountSyncTable.tenantOf(transaction, batch.accountId());
        if (owner.isPresent()) {
            throw new InapplicableException("the batch names tenant " + batch.tenantId() + ", but account "
                    + batch.accountId() + " belongs to another one");
        }
    }
}
