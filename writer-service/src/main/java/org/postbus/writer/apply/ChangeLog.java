package org.postbus.writer.apply;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.postbus.change.ChangeEvent.AccountStateChanged;
import org.postbus.change.ChangeEvent.AccountSynced;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.EmailCreated;
import org.postbus.change.ChangeEvent.EmailDestroyed;
import org.postbus.change.ChangeEvent.EmailUpdated;
import org.postbus.change.ChangeEvent.MailboxCreated;
import org.postbus.change.ChangeEvent.MailboxDestroyed;
import org.postbus.change.ChangeEvent.MailboxReset;
import org.postbus.change.ChangeEvent.MailboxUpdated;
import org.postbus.change.ChangeEvent.MutationConfirmed;
import org.postbus.change.ChangeEvent.MutationDiscarded;
import org.postbus.change.ChangeEvent.MutationFailed;
import org.postbus.change.ChangeEvent.MutationRejected;
import org.postbus.change.ChangeEvent.SubmissionCanceled;
import org.postbus.change.ChangeEvent.SubmissionFailed;
import org.postbus.change.ChangeEvent.SubmissionInDoubt;
import org.postbus.change.ChangeEvent.SubmissionQueued;
import org.postbus.change.ChangeEvent.SubmissionRejected;
import org.postbus.change.ChangeEvent.SubmissionSent;
import org.postbus.change.ChangeEvent;
import org.postbus.change.Origin;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.writer.decide.AccountSync;
import org.postbus.writer.decide.OpenMutation;
import org.postbus.writer.table.AccountSyncTable;
import org.postbus.writer.table.ChangeLogTable.Row;
import org.postbus.writer.table.ChangeLogTable;
import org.postbus.writer.table.PendingChangesTable;
import org.postbus.writer.table.Transaction;

/** The changes of one transaction, on their way into {@code change_log} under the account's next sequence numbers. */
final class ChangeLog {
    /** Beyond this the rows go out at once, so that a batch that empties a huge mailbox does not fill the memory. */
    private static final int WAITING_MAX = 1000;
    /** Octets of rows that are kept for the one who publishes them; he reads the others. */
    private static final long KEPT_OCTETS_MAX = 4L * 1024 * 1024;

    private final Transaction transaction;
    private final TenantId tenant;
    private final AccountId account;
    private final AccountSync sync;
    private final Supplier<UUID> ids;
    private final OffsetDateTime at;
    private final List<Change> waiting = new ArrayList<>();
    private final List<Row> kept = new ArrayList<>();
    private long keptOctets;

    ChangeLog(
            Transaction transaction,
            TenantId tenant,
            AccountId account,
            AccountSync sync,
            Supplier<UUID> ids,
            Instant now) {
        this.transaction = transaction;
        this.tenant = tenant;
        this.account = account;
        this.sync = sync;
        this.ids = ids;
        this.at = AccountSyncTable.time(now.truncatedTo(ChronoUnit.MICROS));
    }

    void add(Change change) {
        waiting.add(change);
        if (waiting.size() >= WAITING_MAX) {
            flush();
        }
    }

    void flush() {
        if (waiting.isEmpty()) {
            return;
        }
        List<OpenMutation> wishes = wishes();
        List<Row> rows = new ArrayList<>(waiting.size());
        for (Change change : waiting) {
            sync.changeSeq++;
            count(change);
            Optional<UUID> object = objectId(change);
            Origin origin = object.flatMap(id -> wishes.stream()
                            .filter(wish -> wish.emailId().equals(id) && wish.isFulfilledBy(change))
                            .findFirst())
                    .<Origin>map(wish -> new Origin.Postbus(wish.mutationId()))
                    .orElseGet(Origin.Server::new);
            ChangeEvent event = new ChangeEvent(tenant, account, sync.changeSeq, origin, change);
            rows.add(new Row(
                    sync.changeSeq, ids.get(), ChangeEvent.typeOf(change), object, EventCodec.encode(event), at));
        }
        ChangeLogTable.insert(transaction, tenant, account, rows, at);
        waiting.clear();
        for (Row row : rows) {
            keptOctets += row.data().length;
            if (keptOctets <= KEPT_OCTETS_MAX) {
                kept.add(row);
            }
        }
    }

    /** The first of the rows that were flushed, without a gap between them; in the database only once the transaction is committed. */
    List<Row> kept() {
        return kept;
    }

    private List<OpenMutation> wishes() {
        Set<UUID> changed = new LinkedHashSet<>();
        for (Change change : waiting) {
            if (change instanceof EmailUpdated || change instanceof EmailDestroyed) {
                objectId(change).ifPresent(changed::add);
            }
        }
        return changed.isEmpty() ? List.of() : PendingChangesTable.underWay(transaction, account, changed);
    }

    private void count(Change change) {
        switch (change) {
            case EmailCreated created -> sync.passCreated++;
            case EmailUpdated updated -> sync.passUpdated++;
            case EmailDestroyed destroyed -> sync.passDestroyed++;
            case MailboxCreated created -> {}
            case MailboxUpdated updated -> {}
            case MailboxDestroyed destroyed -> {}
            case MailboxReset reset -> {}
            case AccountSynced synced -> {}
            case AccountStateChanged changed -> {}
            case MutationConfirmed confirmed -> {}
            case MutationRejected rejected -> {}
            case MutationFailed failed -> {}
            case MutationDiscarded discarded -> {}
            case SubmissionQueued queued -> {}
            case SubmissionSent sent -> {}
            case SubmissionRejected rejected -> {}
            case SubmissionFailed failed -> {}
            case SubmissionInDoubt inDoubt -> {}
            case SubmissionCanceled canceled -> {}
        }
    }

    private static Optional<UUID> objectId(Change change) {
        return switch (change) {
            case EmailCreated created -> Optional.of(created.email().id().value());
            case EmailUpdated updated -> Optional.of(updated.email().id().value());
            case EmailDestroyed destroyed -> Optional.of(destroyed.emailId().value());
            case MailboxCreated created -> Optional.of(created.mailbox().id().value());
            case MailboxUpdated updated -> Optional.of(updated.mailbox().id().value());
            case MailboxDestroyed destroyed -> Optional.of(destroyed.mailboxId().value());
            case MailboxReset reset -> Optional.of(reset.mailboxId().value());
            case AccountSynced synced -> Optional.empty();
            case AccountStateChanged changed -> Optional.empty();
            case MutationConfirmed confirmed ->
                Optional.of(confirmed.mutationId().value());
            case MutationRejected rejected -> Optional.of(rejected.mutationId().value());
            case MutationFailed failed -> Optional.of(failed.mutationId().value());
            case MutationDiscarded discarded ->
                Optional.of(discarded.mutationId().value());
            case SubmissionQueued queued -> Optional.of(queued.submissionId().value());
            case SubmissionSent sent -> Optional.of(sent.submissionId().value());
            case SubmissionRejected rejected ->
                Optional.of(rejected.submissionId().value());
            case SubmissionFailed failed -> Optional.of(failed.submissionId().value());
            case SubmissionInDoubt inDoubt -> Optional.of(inDoubt.submissionId().value());
            case SubmissionCanceled canceled ->
                Optional.of(canceled.submissionId().value());
        };
    }
}
