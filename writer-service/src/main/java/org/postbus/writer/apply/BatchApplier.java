package org.postbus.writer.apply;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.postbus.model.TenantId;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.decide.AccountSync;
import org.postbus.writer.decide.SequenceCheck;
import org.postbus.writer.table.AccountSyncTable;
import org.postbus.writer.table.ChangeLogTable;
import org.postbus.writer.table.Database;
import org.postbus.writer.table.InapplicableException;
import org.postbus.writer.table.MailboxTable;
import org.postbus.writer.table.UnavailableException;

/**
 * Applies one batch in one transaction: rows, cursors, change log, and the batch's place in the chain.
 *
 * <p>Phases: (1) lock the account's row, (2) decide from its fence and sequence number, (3) apply and log, (4) commit. If it
 * fails in 1 to 3 nothing has happened. If the answer to the commit is lost it is applied again and found to be a duplicate.
 */
public final class BatchApplier {
    private final Database database;
    private final Supplier<UUID> ids;

    public BatchApplier(Database database, Supplier<UUID> ids) {
        this.database = database;
        this.ids = ids;
    }

    public sealed interface Outcome {
        /**
         * @param changes how many rows the change log has got
         * @param rows the first of them
         */
        record Applied(long changes, List<ChangeLogTable.Row> rows) implements Outcome {}

        record Stale() implements Outcome {}

        record Duplicate() implements Outcome {}

        record Gap() implements Outcome {}

        /** The account has been deleted; so have its rows. */
        record AccountGone() implements Outcome {}
    }

    /**
     * @throws InapplicableException if the batch is forged or holds what cannot be stored; nothing has been changed
     * @throws UnavailableException if the database is away; the batch is to be applied again
     */
    public Outcome apply(ObservationBatch batch, Instant now) {
        return database.inTransaction(batch.tenantId(), transaction -> {
            // Both at once: the mailboxes are read after the lock is had.
            var lock = AccountSyncTable.askLock(transaction, batch.accountId());
            var mailboxes = MailboxTable.askAll(transaction, batch.accountId());
            Optional<AccountSync> locked = AccountSyncTable.locked(transaction.rows(lock));
            if (locked.isEmpty()) {
                Optional<TenantId> owner = AccountSyncTable.tenantOf(transaction, batch.accountId());
                if (owner.isPresent()) {
                    throw new InapplicableException("the batch names tenant " + batch.tenantId() + ", but account "
                            + batch.accountId() + " is another's");
                }
                return new Outcome.AccountGone();
            }
            AccountSync sync = locked.get();
            return switch (SequenceCheck.of(sync.fence, sync.appliedSeq, batch.fence(), batch.seq())) {
                case SequenceCheck.StaleFence stale -> new Outcome.Stale();
                case SequenceCheck.Duplicate duplicate -> new Outcome.Duplicate();
                case SequenceCheck.Gap(long newFence) -> {
                    AccountSyncTable.raiseFence(transaction, batch.accountId(), newFence);
                    yield new Outcome.Gap();
                }
                case SequenceCheck.Apply apply -> {
                    long before = sync.changeSeq;
                    List<ChangeLogTable.Row> rows = new BatchApplication(
                                    transaction,
                                    batch.tenantId(),
                                    batch.accountId(),
                                    sync,
                                    MailboxTable.all(transaction.rows(mailboxes)),
                                    ids,
                                    now)
                            .apply(batch.observations());
                    if (sync.changeSeq > before) {
                        ChangeLogTable.addToOutbox(
                                transaction, batch.tenantId(), batch.accountId(), before + 1, sync.changeSeq);
                    }
                    sync.appliedSeq = batch.seq();
                    AccountSyncTable.save(transaction, batch.accountId(), sync);
                    yield new Outcome.Applied(sync.changeSeq - before, rows);
                }
            };
        });
    }
}
