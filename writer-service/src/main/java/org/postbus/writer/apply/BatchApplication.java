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
import org.postbus.writer.decide.BatchPart;
import org.postbus.writer.decide.LinkSelection;
import org.postbus.writer.decide.MailboxTree;
import org.postbus.writer.decide.StoredMailbox;
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

    /** @param stored the mailboxes that the batch needs */
    BatchApplication(BatchContext context, List<StoredMailbox> stored) {
        this.context = context;
        this.changes = context.changes();
        this.mailboxes = new MailboxTree(stored, context.ids());
        this.emails = new EmailWriter(context, mailboxes);
        this.mailboxWriter = new MailboxWriter(context, mailboxes, emails);
    }

    /**
     * @param done what earlier transactions have applied
     * @param rowsMax ends this one: about so many observations and changed rows
     * @return what has been applied then
     */
    BatchPart apply(List<Observation> observations, BatchPart done, int rowsMax) {
        int index = done.observations();
        long rows = done.rows();
        long left = rowsMax;
        while (index < observations.size() && left > 0) {
            Step step = apply(observations.get(index), rows, left);
            left -= Math.max(1, step.rows());
            if (step.complete()) {
                index++;
                rows = 0;
            } else {
                rows += step.rows();
                break;
            }
        }
        endRuns();
        return done.upTo(index, rows);
    }

    /**
     * @param before rows that earlier transactions have changed for this observation
     * @param most rows that this transaction may change for it
     */
    private Step apply(Observation observation, long before, long most) {
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
                return destroy(destroyed, before, most);
            }
            case JmapIdsReassigned changed -> {
                mailboxWriter.endRun();
                emails.run().add(changed);
                return Step.complete(changed.newIds().size());
            }
            case MailboxVanished vanished -> {
                endRuns();
                return mailboxes
                        .find(vanished.mailbox())
                        .map(mailbox -> mailboxWriter.destroy(vanished.mailbox(), mailbox, most))
                        .orElse(Step.NOTHING);
            }
            case MailboxReset reset -> {
                endRuns();
                return mailboxes
                        .find(reset.mailbox())
                        .map(mailbox -> mailboxWriter.reset(reset, mailbox, before, most))
                        .orElse(Step.NOTHING);
            }
            case UidsVanished vanished -> {
                endRuns();
                return mailboxes
                        .find(vanished.mailbox())
                        .map(mailbox ->
                                emails.unlink(LinkSelection.of(mailbox, vanished.uidValidity(), vanished.uids()), most))
                        .orElse(Step.NOTHING);
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
                return new PassCompletion(context).complete(finished, most);
            }
            case AccountStateObserved observed -> {
                endRuns();
                apply(observed);
            }
        }
        return Step.NOTHING;
    }

    /** The ids are taken in their order, so the number of those that are done says where to go on. */
    private Step destroy(EmailsDestroyed destroyed, long before, long most) {
        List<String> ids = destroyed.jmapIds();
        int from = (int) Math.min(before, ids.size());
        int to = (int) Math.min(from + most, ids.size());
        List<String> these = ids.subList(from, to);
        QuarantinedMessageTable.deleteEmails(context.transaction(), context.account(), these);
        emails.run().add(new EmailsDestroyed(these));
        return new Step(to - from, to == ids.size());
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
