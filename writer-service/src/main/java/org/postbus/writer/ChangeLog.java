package org.postbus.writer;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.postbus.event.ChangeEvent;
import org.postbus.event.ChangeEvent.AccountStateChanged;
import org.postbus.event.ChangeEvent.AccountSynced;
import org.postbus.event.ChangeEvent.Change;
import org.postbus.event.ChangeEvent.EmailCreated;
import org.postbus.event.ChangeEvent.EmailDestroyed;
import org.postbus.event.ChangeEvent.EmailUpdated;
import org.postbus.event.ChangeEvent.MailboxCreated;
import org.postbus.event.ChangeEvent.MailboxDestroyed;
import org.postbus.event.ChangeEvent.MailboxReset;
import org.postbus.event.ChangeEvent.MailboxUpdated;
import org.postbus.event.ChangeEvent.MutationConfirmed;
import org.postbus.event.ChangeEvent.MutationDiscarded;
import org.postbus.event.ChangeEvent.MutationFailed;
import org.postbus.event.ChangeEvent.MutationRejected;
import org.postbus.event.EventCodec;
import org.postbus.event.Origin;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.writer.ChangeLogTable.NewRow;

/** The changes of one transaction, on their way into {@code change_log} under the account's next sequence numbers. */
final class ChangeLog {
    /** Beyond this the rows go out at once, so that a batch that empties a huge mailbox does not fill the memory. */
    private static final int WAITING_MAX = 1000;

    private final Transaction transaction;
    private final TenantId tenant;
    private final AccountId account;
    private final AccountSync sync;
    private final Supplier<UUID> ids;
    private final List<Change> waiting = new ArrayList<>();

    ChangeLog(Transaction transaction, TenantId tenant, AccountId account, AccountSync sync, Supplier<UUID> ids) {
        this.transaction = transaction;
        this.tenant = tenant;
        this.account = account;
        this.sync = sync;
        this.ids = ids;
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
        List<Wish> wishes = wishes();
        List<NewRow> rows = new ArrayList<>(waiting.size());
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
            rows.add(
                    new NewRow(sync.changeSeq, ids.get(), EventCodec.typeOf(change), object, EventCodec.encode(event)));
        }
        ChangeLogTable.insert(transaction, tenant, account, rows);
        waiting.clear();
    }

    private List<Wish> wishes() {
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
        };
    }
}
