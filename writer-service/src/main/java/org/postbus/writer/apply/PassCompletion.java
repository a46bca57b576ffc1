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
    private static final int MUTATIONS_MAX = 5000;

    private static final int EMAILS_MAX = 500;

    private final BatchContext context;
    private final Transaction transaction;
    private final AccountId account;
    private final ChangeLog changes;

    PassCompletion(BatchContext context, ChangeLog changes) {
        this.context = context;
        this.transaction = context.transaction();
        this.account = context.account();
        this.changes = changes;
    }

    void complete(PassFinished finished) {
        AccountSync sync = context.sync();
        boolean initialSyncEnded = finished.initialRunEnded();
        // Sent together; nearly every pass finds neither mutations nor emails.
        Optional<Future<RowSet<Row>>> confirmed = finished.pass()
                .map(number -> PendingChangesTable.confirmAppliedBefore(transaction, account, number, MUTATIONS_MAX));
        Optional<Future<RowSet<Row>>> destroyed =
                initialSyncEnded ? Optional.of(deleteUnlinked(sync.passesFinished())) : Optional.empty();
        confirmed.ifPresent(answer -> confirm(finished.pass().orElseThrow(), answer));
        destroyed.ifPresent(answer -> destroy(sync.passesFinished(), answer));
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
    }

    private void confirm(long pass, Future<RowSet<Row>> first) {
        List<MutationConfirmed> page = PendingChangesTable.confirmed(transaction.rows(first));
        while (!page.isEmpty()) {
            page.forEach(changes::add);
            page = page.size() < MUTATIONS_MAX
                    ? List.of()
                    : PendingChangesTable.confirmed(transaction.rows(
                            PendingChangesTable.confirmAppliedBefore(transaction, account, pass, MUTATIONS_MAX)));
        }
    }

    private void destroy(long pass, Future<RowSet<Row>> first) {
        List<UUID> page = EmailTable.deleted(transaction.rows(first));
        while (!page.isEmpty()) {
            page.forEach(id -> changes.add(new EmailDestroyed(new EmailId(id))));
            page = page.size() < EMAILS_MAX ? List.of() : EmailTable.deleted(transaction.rows(deleteUnlinked(pass)));
        }
    }

    private Future<RowSet<Row>> deleteUnlinked(long pass) {
        return EmailTable.deleteUnlinkedBefore(transaction, account, pass, EMAILS_MAX);
    }
}
