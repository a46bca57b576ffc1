package org.postbus.writer.apply;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.postbus.change.ChangeEvent.EmailDestroyed;
import org.postbus.change.ChangeEvent.MutationConfirmed;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.observation.Observation.PassFinished;
import org.postbus.writer.decide.AccountSync;
import org.postbus.writer.decide.EmailCounts;
import org.postbus.writer.table.EmailTable;
import org.postbus.writer.table.PendingChangesTable;
import org.postbus.writer.table.QuarantinedMessageTable;
import org.postbus.writer.table.SyncLogTable;

/**
 * The end of a sync pass.
 *
 * <p><b>Confirmation.</b> The number of a pass is stored before the pass reads anything from the server, and outbound stamps a mutation with the
 * number that is stored when the server has accepted it. A complete pass with a greater number began after that, so it has read the mutation's
 * effect, and confirms the mutation. The condition, {@code applied_pass < pass}, is in {@link PendingChangesTable#confirmAppliedBefore}.
 *
 * <p><b>Destruction.</b> {@code account_sync} counts the finished passes, and an email that loses its last mailbox during pass n is marked with
 * n. When pass n ends, emails with a smaller mark lost their mailbox before it began, and the whole pass has not found them in another one: they
 * are destroyed. The condition, {@code unlinked_pass < n}, is in {@link EmailTable#deleteUnlinkedBefore}.
 * Only once the initial sync has ended: before that, an email may be in a mailbox that has not been read yet.
 */
final class PassCompletion {
    /** In memory at a time. */
    private static final int PAGE = 500;

    private final BatchContext context;
    private final Transaction transaction;
    private final AccountId account;
    private final ChangeLog changes;

    PassCompletion(BatchContext context) {
        this.context = context;
        this.transaction = context.transaction();
        this.account = context.account();
        this.changes = context.changes();
    }

    /** @param most mutations and emails of this transaction. The pass is counted as finished in the one that leaves none */
    Step complete(PassFinished finished, long most) {
        AccountSync sync = context.sync();
        long pass = sync.passesFinished();
        boolean initialSyncEnded = finished.initialRunEnded();
        int page = (int) Math.min(PAGE, most);
        // Sent together; nearly every pass finds neither mutations nor emails.
        Optional<Future<RowSet<Row>>> confirmed = finished.pass().map(number -> confirmPage(number, page));
        Optional<Future<RowSet<Row>>> destroyed =
                initialSyncEnded ? Optional.of(destroyPage(pass, page)) : Optional.empty();
        long rows = 0;
        if (confirmed.isPresent()) {
            rows += confirm(confirmed.get(), finished.pass().orElseThrow(), most);
        }
        if (destroyed.isPresent()) {
            rows += destroy(destroyed.get(), pass, most);
        }
        if (rows >= most) {
            return Step.incomplete(rows);
        }
        QuarantinedMessageTable.deleteLinked(transaction, account);
        sync.finish(finished).forEach(changes::add);
        // Changes are counted when they are appended.
        changes.flush();
        EmailCounts counts = sync.counts();
        SyncLogTable.append(
                transaction,
                context.tenant(),
                account,
                new SyncLogTable.Entry(
                        finished.startedAt(),
                        finished.finishedAt(),
                        counts.created(),
                        counts.updated(),
                        counts.destroyed(),
                        Optional.empty()));
        sync.startPass();
        return Step.complete(rows);
    }

    /** @return how many mutations, at most {@code most}; that many: there may be more */
    private long confirm(Future<RowSet<Row>> first, long number, long most) {
        List<MutationConfirmed> page = PendingChangesTable.confirmed(transaction.rows(first));
        long wanted = Math.min(PAGE, most);
        long rows = 0;
        while (true) {
            page.forEach(changes::add);
            rows += page.size();
            if (page.size() < wanted || rows >= most) {
                return rows;
            }
            wanted = Math.min(PAGE, most - rows);
            page = PendingChangesTable.confirmed(transaction.rows(confirmPage(number, (int) wanted)));
        }
    }

    /** @return how many emails, at most {@code most}; that many: there may be more */
    private long destroy(Future<RowSet<Row>> first, long pass, long most) {
        List<UUID> page = EmailTable.deleted(transaction.rows(first));
        long wanted = Math.min(PAGE, most);
        long rows = 0;
        while (true) {
            page.forEach(id -> changes.add(new EmailDestroyed(new EmailId(id))));
            rows += page.size();
            if (page.size() < wanted || rows >= most) {
                return rows;
            }
            wanted = Math.min(PAGE, most - rows);
            page = EmailTable.deleted(transaction.rows(destroyPage(pass, (int) wanted)));
        }
    }

    private Future<RowSet<Row>> confirmPage(long number, int most) {
        return PendingChangesTable.confirmAppliedBefore(transaction, account, number, most);
    }

    private Future<RowSet<Row>> destroyPage(long pass, int most) {
        return EmailTable.deleteUnlinkedBefore(transaction, account, pass, most);
    }
}
