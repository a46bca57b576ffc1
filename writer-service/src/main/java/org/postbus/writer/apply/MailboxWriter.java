package org.postbus.writer.apply;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.postbus.change.ChangeEvent;
import org.postbus.change.ChangeEvent.MailboxDestroyed;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.MailboxId;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.MailboxObserved;
import org.postbus.observation.Observation.MailboxReset;
import org.postbus.observation.ObservedMailbox;
import org.postbus.observation.SyncScope;
import org.postbus.writer.decide.LinkSelection;
import org.postbus.writer.decide.MailboxTree;
import org.postbus.writer.table.MailboxTable;
import org.postbus.writer.table.PendingChangesTable;
import org.postbus.writer.table.SyncStateTable;

/** Writes what happens to mailboxes: described, destroyed, reset. */
final class MailboxWriter {
    private final BatchContext context;
    private final Transaction transaction;
    private final AccountId account;
    private final MailboxTree mailboxes;
    private final EmailWriter emails;
    private final ChangeLog changes;
    private final List<ObservedMailbox> run = new ArrayList<>();

    MailboxWriter(BatchContext context, MailboxTree mailboxes, EmailWriter emails) {
        this.context = context;
        this.transaction = context.transaction();
        this.account = context.account();
        this.mailboxes = mailboxes;
        this.emails = emails;
        this.changes = context.changes();
    }

    void add(MailboxObserved observed) {
        run.add(observed.mailbox());
    }

    void endRun() {
        if (run.isEmpty()) {
            return;
        }
        boolean hasNew =
                run.stream().anyMatch(mailbox -> mailboxes.find(mailbox.key()).isEmpty());
        mailboxes.observe(
                List.copyOf(run), hasNew ? PendingChangesTable.requestedMailboxes(transaction, account) : Map.of());
        run.clear();
        write();
    }

    /** Writes the mailboxes that have changed in memory. */
    void write() {
        MailboxTree.Difference difference = mailboxes.difference();
        difference
                .renamed()
                .forEach((from, to) ->
                        SyncStateTable.move(transaction, account, SyncScope.ofMailbox(from), SyncScope.ofMailbox(to)));
        if (!difference.rows().isEmpty()) {
            MailboxTable.save(transaction, context.tenant(), account, difference.rows());
        }
        difference.changes().forEach(changes::add);
    }

    /** @param most links to remove in this transaction. The mailbox itself goes in the one that removes its last links */
    Step destroy(MailboxKey key, UUID mailbox, long most) {
        Step unlinked = emails.unlink(LinkSelection.all(mailbox), most);
        if (unlinked.complete()) {
            MailboxTable.delete(transaction, account, mailbox);
            SyncStateTable.delete(transaction, account, SyncScope.ofMailbox(key));
            mailboxes.remove(mailbox);
            changes.add(new MailboxDestroyed(new MailboxId(mailbox)));
            // Children that are still there have lost their parent.
            write();
        }
        return unlinked;
    }

    /**
     * UIDVALIDITY changed: links under older ones are void. A repeated reset changes and emits nothing.
     *
     * @param before links that earlier transactions have removed
     * @param most links to remove in this one
     */
    Step reset(MailboxReset reset, UUID mailbox, long before, long most) {
        Step unlinked = emails.unlink(LinkSelection.notUnder(mailbox, reset.uidValidity()), most);
        if (!unlinked.complete()) {
            return unlinked;
        }
        SyncScope scope = SyncScope.ofMailbox(reset.mailbox());
        boolean cursorLost = SyncStateTable.find(transaction, account, scope)
                .filter(cursor -> isVoid(cursor, reset.uidValidity()))
                .isPresent();
        if (cursorLost) {
            SyncStateTable.delete(transaction, account, scope);
        }
        if (cursorLost || before + unlinked.rows() > 0) {
            changes.add(new ChangeEvent.MailboxReset(new MailboxId(mailbox)));
        }
        return unlinked;
    }

    private static boolean isVoid(Cursor cursor, long uidValidity) {
        return switch (cursor) {
            case Cursor.Imap imap -> imap.uidValidity() != uidValidity;
            case Cursor.Jmap jmap -> false;
        };
    }
}
