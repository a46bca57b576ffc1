package org.postbus.writer.apply;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.TenantId;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.decide.AccountSync;
import org.postbus.writer.decide.BatchPart;
import org.postbus.writer.decide.NeededMailboxes;
import org.postbus.writer.decide.SequenceCheck;
import org.postbus.writer.decide.StoredMailbox;
import org.postbus.writer.table.AccountSyncTable;
import org.postbus.writer.table.ChangeOutboxTable;
import org.postbus.writer.table.ChangeRow;
import org.postbus.writer.table.MailboxTable;
import org.postbus.writer.table.RecordPosition;

/**
 * Applies a batch: rows, cursors, change log and the batch's sequence number. Nearly every batch is applied in one transaction; one that touches
 * more rows than a transaction may is applied in several, and its cursors are stored by the last ones, because a batch names them after the
 * observations that they cover.
 *
 * <p>Phases of a transaction: (1) lock the account's row, (2) check fence and sequence number, (3) apply and append changes, (4) store how far the
 * batch has been applied, (5) commit. If phase 1, 2, 3 or 4 fails, nothing has changed. If the answer to the commit is lost, the batch is
 * applied again and found to be a duplicate, or continued.
 */
public final class BatchApplier {
    /** Observations and changed rows of one transaction, at most. A batch with 500 emails is applied at once. */
    public static final int ROWS_MAX = 2000;

    private final TenantTransactions transactions;
    private final Supplier<UUID> ids;

    /** @param ids gives ids of new rows; may be called by several threads */
    public BatchApplier(TenantTransactions transactions, Supplier<UUID> ids) {
        this.transactions = transactions;
        this.ids = ids;
    }

    public sealed interface Outcome {
        /**
         * The whole batch has been applied.
         *
         * @param changes the number of rows that this transaction appended to the change log
         * @param rows the first of them
         */
        record Applied(long changes, List<ChangeRow> rows) implements Outcome {}

        /** As {@link Applied}, but more of the batch is to be applied: by calling again. */
        record AppliedInPart(long changes, List<ChangeRow> rows) implements Outcome {}

        record Stale() implements Outcome {}

        record Duplicate() implements Outcome {}

        record Gap() implements Outcome {}

        /** The account has been deleted, with all its rows. */
        record AccountGone() implements Outcome {}
    }

    /** As {@link #apply(ObservationBatch, Instant, int)} with {@link #ROWS_MAX}. */
    public Outcome apply(ObservationBatch batch, Instant now) {
        return apply(batch, now, ROWS_MAX);
    }

    /**
     * Applies the next part of the batch.
     *
     * @param rowsMax observations and changed rows, about; with 1 it is one observation, or one row of it
     * @throws InapplicableException if the account belongs to another tenant than the batch says, or its fence was never claimed; nothing has
     *     been changed
     * @throws org.postbus.kit.sql.UnstorableDataException if PostgreSQL can not hold the data; nothing has been changed
     * @throws org.postbus.kit.InfrastructureFailureException if the database is not available; the batch is to be applied again
     */
    public Outcome apply(ObservationBatch batch, Instant now, int rowsMax) {
        return inTurn(
                batch,
                now,
                (context, mailboxes) -> new BatchApplication(context, mailboxes)
                        .apply(batch.observations(), context.sync().partOf(batch), rowsMax));
    }

    /**
     * Leaves out the next observation of the batch, which can not be stored: puts it into quarantine.
     *
     * @param position of the batch's record
     * @param reason for people; storable
     * @throws org.postbus.kit.sql.UnstorableDataException if not even that can be stored
     */
    public Outcome refuseNext(ObservationBatch batch, Instant now, RecordPosition position, String reason) {
        return inTurn(
                batch,
                now,
                (context, mailboxes) -> new RefusedObservations(context, mailboxes)
                        .quarantineNext(batch, context.sync().partOf(batch), position, reason));
    }

    /**
     * Quarantines what could not be decoded of the batch's record. To be called before the first part of the batch is applied, whenever the record
     * is delivered.
     *
     * @param position of the batch's record
     */
    public Outcome quarantine(
            ObservationBatch batch, Instant now, RecordPosition position, List<UnreadableObservation> unreadable) {
        return inTurn(
                batch,
                now,
                (context, mailboxes) -> new RefusedObservations(context, mailboxes)
                        .quarantine(unreadable, context.sync().partOf(batch), position));
    }

    /** @param work applies some of the batch and returns how far it has been applied then */
    private Outcome inTurn(
            ObservationBatch batch, Instant now, BiFunction<BatchContext, List<StoredMailbox>, BatchPart> work) {
        return transactions.call(batch.tenantId(), transaction -> {
            // Sent together: PostgreSQL reads the mailboxes after it has taken the lock.
            var lock = AccountSyncTable.lock(transaction, batch.accountId());
            var mailboxes =
                    MailboxTable.query(transaction, batch.accountId(), NeededMailboxes.of(batch.observations()));
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
                    BatchContext context = BatchContext.of(transaction, batch, sync, ids, now);
                    List<StoredMailbox> stored = MailboxTable.stored(transaction, mailboxes);
                    yield outcome(batch, context, work.apply(context, stored));
                }
            };
        });
    }

    /** @param reached how far the batch has been applied now */
    private static Outcome outcome(ObservationBatch batch, BatchContext context, BatchPart reached) {
        AccountSync sync = context.sync();
        Transaction transaction = context.transaction();
        ChangeLog changes = context.changes();
        changes.flush();
        if (changes.count() > 0) {
            long last = sync.changeSeq();
            ChangeOutboxTable.add(transaction, batch.tenantId(), batch.accountId(), last - changes.count() + 1, last);
        }
        boolean complete = reached.observations() >= batch.observations().size();
        if (complete) {
            sync.applied(batch);
        } else {
            sync.appliedInPart(reached);
        }
        AccountSyncTable.save(transaction, batch.accountId(), sync.row());
        if (complete && reached.refused()) {
            // The fetcher claims the account anew and learns which messages are in quarantine: it does not report them
            // again.
            AccountSyncTable.raiseFence(transaction, batch.accountId(), batch.fence() + 1);
        }
        return complete
                ? new Outcome.Applied(changes.count(), changes.firstRows())
                : new Outcome.AppliedInPart(changes.count(), changes.firstRows());
    }

    private static void requireNoOtherOwner(Transaction transaction, ObservationBatch batch) {
        Optional<TenantId> owner = AccountSyncTable.tenantOf(transaction, batch.accountId());
        if (owner.isPresent()) {
            throw new InapplicableException("the batch names tenant " + batch.tenantId() + ", but account "
                    + batch.accountId() + " belongs to another one");
        }
    }
}
