package org.postbus.writer.apply;

import java.util.List;
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.AccountStateObserved;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.Observation.JmapIdsReassigned;
import org.postbus.observation.Observation.MailboxObserved;
import org.postbus.observation.Observation.MailboxReset;
import org.postbus.observation.Observation.MailboxVanished;
import org.postbus.observation.Observation.MessageNotRead;
import org.postbus.observation.Observation.PassFinished;
import org.postbus.observation.Observation.ScopeSynced;
import org.postbus.observation.Observation.UidsVanished;
import org.postbus.writer.decide.AccountSync;
import org.postbus.writer.decide.LinkSelection;
import org.postbus.writer.decide.MailboxTree;
import org.postbus.writer.decide.StoredMailbox;
import org.postbus.writer.table.ChangeRow;
import org.postbus.writer.table.QuarantinedMessageTable;
import org.postbus.writer.table.SyncLogTable;
import org.postbus.writer.table.SyncStateTable;

/**
 * The observations of one batch, in order. Consecutive observations about mailboxes, and about emails, form a run: the rows that it touches are
 * read, changed in memory, and the difference is written in a fixed number of statements, whatever the length of the run. This is safe
 * because of the account's lock: no other transaction changes these rows meanwhile.
 */
final class BatchApplication {
    private final BatchContext context;
    private final ChangeLog changes;
    private final MailboxTree mailboxes;
    private final EmailWriter emails;
    private final MailboxWriter mailboxWriter;

    /** @param stored all mailboxes of the account */
    BatchApplication(BatchContext context, List<StoredMailbox> stored) {
        this.context = context;
        this.changes = new ChangeLog(context);
        this.mailboxes = new MailboxTree(stored, context.ids());
        this.emails = new EmailWriter(context, mailboxes, changes);
        this.mailboxWriter = new MailboxWriter(context, mailboxes, emails, changes);
    }

    /** @return the first rows that were appended to the change log */
    List<ChangeRow> apply(List<Observation> observations) {
        for (Observation observation : observations) {
            apply(observation);
        }
        endRuns();
        changes.flush();
        return changes.firstRows();
    }

    private void apply(Observation observation) {
        switch (observation) {
            case MailboxObserved observed -> {
                endEmailRun();
                mailboxWriter.add(observed);
            }
            case EmailObserved observed -> {
                mailboxWriter.endRun();
                emails.run().add(observed);
            }
            case EmailStateObserved observed -> {
                mailboxWriter.endRun();
                emails.run().add(observed);
            }
            case EmailsDestroyed destroyed -> {
                mailboxWriter.endRun();
                QuarantinedMessageTable.deleteEmails(context.transaction(), context.account(), destroyed.jmapIds());
                emails.run().add(destroyed);
            }
            case JmapIdsReassigned changed -> {
                mailboxWriter.endRun();
                emails.run().add(changed);
            }
            case MailboxVanished vanished -> {
                endRuns();
                mailboxes
                        .find(vanished.mailbox())
                        .ifPresent(mailbox -> mailboxWriter.destroy(vanished.mailbox(), mailbox));
            }
            case MailboxReset reset -> {
                endRuns();
                mailboxes.find(reset.mailbox()).ifPresent(mailbox -> mailboxWriter.reset(reset, mailbox));
            }
            case UidsVanished vanished -> {
                endRuns();
                mailboxes
                        .find(vanished.mailbox())
                        .ifPresent(mailbox ->
                                emails.unlink(LinkSelection.of(mailbox, vanished.uidValidity(), vanished.uids())));
            }
            case MessageNotRead message -> {
                endRuns();
                save(message);
            }
            case ScopeSynced synced ->
                SyncStateTable.save(
                        context.transaction(), context.tenant(), context.account(), synced.scope(), synced.cursor());
            case PassFinished finished -> {
                endRuns();
                new PassCompletion(context, changes).complete(finished);
            }
            case AccountStateObserved observed -> {
                endRuns();
                apply(observed);
            }
        }
    }

    private void save(MessageNotRead message) {
        if (message.jmapId().isPresent()) {
            QuarantinedMessageTable.saveEmail(
                    context.transaction(), context.tenant(), context.account(), message, context.now());
            return;
        }
        mailboxes
                .find(message.mailbox())
                .ifPresent(mailbox -> QuarantinedMessageTable.save(
                        context.transaction(), context.tenant(), context.account(), mailbox, message, context.now()));
    }

    private void endRuns() {
        mailboxWriter.endRun();
        endEmailRun();
    }

    private void endEmailRun() {
        if (!emails.run().isEmpty()) {
            // The run may have entered mailboxes that have not been observed yet.
            mailboxWriter.write();
            emails.endRun();
        }
    }

    private void apply(AccountStateObserved observed) {
        AccountSync.StateDecision decision = context.sync().observe(observed);
        decision.changes().forEach(changes::add);
        if (decision.newError().isPresent()) {
            SyncLogTable.append(
                    context.transaction(),
                    context.tenant(),
                    context.account(),
                    new SyncLogTable.Entry(context.now(), context.now(), 0, 0, 0, decision.newError()));
        }
    }
}
