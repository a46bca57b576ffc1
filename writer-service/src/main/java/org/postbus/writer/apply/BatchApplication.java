package org.postbus.writer.apply;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.postbus.account.SyncState;
import org.postbus.change.ChangeEvent.AccountStateChanged;
import org.postbus.change.ChangeEvent.AccountSynced;
import org.postbus.change.ChangeEvent.EmailDestroyed;
import org.postbus.change.ChangeEvent.MailboxDestroyed;
import org.postbus.model.AccountId;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.TenantId;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.AccountStateObserved;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.Observation.JmapIdsReassigned;
import org.postbus.observation.Observation.MailboxObserved;
import org.postbus.observation.Observation.MailboxReset;
import org.postbus.observation.Observation.MailboxVanished;
import org.postbus.observation.Observation.MessageQuarantined;
import org.postbus.observation.Observation.PassFinished;
import org.postbus.observation.Observation.ScopeSynced;
import org.postbus.observation.Observation.UidsVanished;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservedMailbox;
import org.postbus.observation.SyncScope;
import org.postbus.writer.decide.AccountSync;
import org.postbus.writer.decide.EmailEntry;
import org.postbus.writer.decide.EmailRun;
import org.postbus.writer.decide.EmailSet;
import org.postbus.writer.decide.LinkSelection;
import org.postbus.writer.decide.MailboxTree;
import org.postbus.writer.decide.StoredEmail;
import org.postbus.writer.decide.StoredMailbox;
import org.postbus.writer.decide.Threads;
import org.postbus.writer.table.AttachmentTable;
import org.postbus.writer.table.ChangeLogTable;
import org.postbus.writer.table.EmailBodyTable;
import org.postbus.writer.table.EmailMailboxTable;
import org.postbus.writer.table.EmailTable;
import org.postbus.writer.table.MailboxTable;
import org.postbus.writer.table.PendingChangesTable;
import org.postbus.writer.table.QuarantinedMessageTable;
import org.postbus.writer.table.SyncLogTable;
import org.postbus.writer.table.SyncStateTable;
import org.postbus.writer.table.ThreadReferenceTable;
import org.postbus.writer.table.Transaction;

/**
 * One batch inside its transaction. Consecutive observations about mailboxes, and about emails, are taken together: what they
 * touch is read, changed in memory and the difference written, in a fixed number of statements however many they are. The
 * account's lock makes that safe: nobody else writes these rows meanwhile.
 */
final class BatchApplication {
    /** Emails that are changed one by one because a mailbox or a thread of theirs has gone; as many are in memory at once. */
    private static final int CHUNK = 500;

    private final Transaction transaction;
    private final TenantId tenant;
    private final AccountId account;
    private final AccountSync sync;
    private final Supplier<UUID> ids;
    private final Instant now;
    private final MailboxTree mailboxes;
    private final ChangeLog changes;
    private final List<ObservedMailbox> mailboxRun = new ArrayList<>();
    private EmailRun emailRun;

    BatchApplication(
            Transaction transaction,
            TenantId tenant,
            AccountId account,
            AccountSync sync,
            List<StoredMailbox> stored,
            Supplier<UUID> ids,
            Instant now) {
        this.transaction = transaction;
        this.tenant = tenant;
        this.account = account;
        this.sync = sync;
        this.ids = ids;
        this.now = now;
        this.mailboxes = new MailboxTree(stored, ids);
        this.changes = new ChangeLog(transaction, tenant, account, sync, ids, now);
        this.emailRun = new EmailRun(mailboxes);
    }

    /** @return the first rows of the change log that came of it */
    List<ChangeLogTable.Row> apply(List<Observation> observations) {
        for (Observation observation : observations) {
            apply(observation);
        }
        endRuns();
        changes.flush();
        return changes.kept();
    }

    private void apply(Observation observation) {
        switch (observation) {
            case MailboxObserved observed -> {
                endEmailRun();
                mailboxRun.add(observed.mailbox());
            }
            case EmailObserved observed -> {
                endMailboxRun();
                emailRun.add(observed);
            }
            case EmailStateObserved observed -> {
                endMailboxRun();
                emailRun.add(observed);
            }
            case EmailsDestroyed destroyed -> {
                endMailboxRun();
                emailRun.add(destroyed);
            }
            case JmapIdsReassigned changed -> {
                endMailboxRun();
                emailRun.add(changed);
            }
            case MailboxVanished vanished -> {
                endRuns();
                mailboxes.find(vanished.mailbox()).ifPresent(id -> vanish(vanished.mailbox(), id));
            }
            case MailboxReset reset -> {
                endRuns();
                mailboxes.find(reset.mailbox()).ifPresent(id -> reset(reset.mailbox(), id, reset.uidValidity()));
            }
            case UidsVanished vanished -> {
                endRuns();
                mailboxes
                        .find(vanished.mailbox())
                        .ifPresent(id -> unlink(LinkSelection.under(id, vanished.uidValidity(), vanished.uids())));
            }
            case MessageQuarantined message -> {
                endRuns();
                mailboxes
                        .find(message.mailbox())
                        .ifPresent(id -> QuarantinedMessageTable.save(transaction, tenant, account, id, message));
            }
            case ScopeSynced synced ->
                SyncStateTable.save(transaction, tenant, account, synced.scope(), synced.cursor());
            case PassFinished finished -> {
                endRuns();
                finish(finished);
            }
            case AccountStateObserved observed -> {
                endRuns();
                observe(observed);
            }
        }
    }

    private void endRuns() {
        endMailboxRun();
        endEmailRun();
    }

    private void endMailboxRun() {
        if (!mailboxRun.isEmpty()) {
            boolean newOnes = mailboxRun.stream()
                    .anyMatch(mailbox -> mailboxes.find(mailbox.key()).isEmpty());
            mailboxes.observe(
                    List.copyOf(mailboxRun),
                    newOnes ? PendingChangesTable.expectedMailboxes(transaction, account) : Map.of());
            mailboxRun.clear();
            writeMailboxes();
        }
    }

    private void writeMailboxes() {
        MailboxTree.Difference difference = mailboxes.difference();
        difference
                .cursorsMoved()
                .forEach((from, to) ->
                        SyncStateTable.move(transaction, account, SyncScope.ofMailbox(from), SyncScope.ofMailbox(to)));
        if (!difference.rows().isEmpty()) {
            MailboxTable.save(transaction, tenant, account, difference.rows());
        }
        difference.changes().forEach(changes::add);
    }

    private void endEmailRun() {
        if (emailRun.isEmpty()) {
            return;
        }
        EmailRun run = emailRun;
        emailRun = new EmailRun(mailboxes);
        writeMailboxes();
        Set<String> references = run.references();
        var threads = references.isEmpty()
                ? Optional.<io.vertx.core.Future<io.vertx.sqlclient.RowSet<io.vertx.sqlclient.Row>>>empty()
                : Optional.of(ThreadReferenceTable.ask(transaction, account, references));
        List<StoredEmail> stored = EmailTable.find(transaction, account, run.keys());
        Map<String, UUID> known = threads.map(answer -> ThreadReferenceTable.threads(transaction.rows(answer)))
                .orElse(Map.of());
        EmailSet emails = new EmailSet(stored, new Threads(known, ids), ids);
        run.applyTo(emails);
        emails.follow(emails.threads());
        write(emails);
        joinThreads(emails.threads());
    }

    /** Rare: the emails of threads that turned out to be others go over, those that this run has not written itself. */
    private void joinThreads(Threads threads) {
        Map<UUID, UUID> joined = threads.joined();
        if (joined.isEmpty()) {
            return;
        }
        ThreadReferenceTable.join(transaction, tenant, account, joined);
        List<UUID> left = EmailTable.inThreads(transaction, account, joined.keySet());
        for (int from = 0; from < left.size(); from += CHUNK) {
            List<UUID> chunk = left.subList(from, Math.min(from + CHUNK, left.size()));
            EmailSet emails = stored(chunk);
            emails.follow(threads);
            write(emails);
        }
    }

    private EmailSet stored(List<UUID> emails) {
        return new EmailSet(EmailTable.find(transaction, account, emails), new Threads(Map.of(), ids), ids);
    }

    private void write(EmailSet emails) {
        List<EmailEntry> fresh = new ArrayList<>();
        List<EmailEntry> changed = new ArrayList<>();
        List<EmailMailboxTable.NewLink> gone = new ArrayList<>();
        List<EmailMailboxTable.NewLink> links = new ArrayList<>();
        List<UUID> destroyed = new ArrayList<>();
        for (EmailEntry entry : emails.entries()) {
            if (entry.isDestroyed()) {
                destroyed.add(entry.id());
                continue;
            }
            if (entry.isFresh()) {
                fresh.add(entry);
            } else if (entry.rowChanged()) {
                changed.add(entry);
            }
            entry.linksToDelete().forEach(place -> gone.add(new EmailMailboxTable.NewLink(entry, place)));
            entry.linksToStore().forEach(place -> links.add(new EmailMailboxTable.NewLink(entry, place)));
        }
        // What goes away first: a UID or an identity may go over to another email.
        if (!destroyed.isEmpty()) {
            EmailTable.delete(transaction, account, destroyed);
        }
        if (!gone.isEmpty()) {
            EmailMailboxTable.delete(transaction, account, gone);
        }
        if (!changed.isEmpty()) {
            EmailTable.update(transaction, account, changed, sync.pass);
        }
        if (!fresh.isEmpty()) {
            EmailTable.insert(transaction, tenant, account, fresh);
        }
        if (!links.isEmpty()) {
            EmailMailboxTable.save(transaction, tenant, account, links);
        }
        writeBodies(emails);
        Map<String, UUID> learnt = emails.threads().learnt();
        if (!learnt.isEmpty()) {
            ThreadReferenceTable.insert(transaction, tenant, account, learnt);
        }
        emails.entries().forEach(entry -> entry.change().ifPresent(changes::add));
    }

    private void writeBodies(EmailSet emails) {
        List<Map.Entry<EmailEntry, EmailBody>> bodies = emails.bodies().entrySet().stream()
                .filter(body -> !body.getKey().isNothing() && !body.getKey().isDestroyed())
                .toList();
        if (bodies.isEmpty()) {
            return;
        }
        EmailBodyTable.insert(transaction, tenant, account, bodies);
        List<AttachmentTable.Attachment> attachments = bodies.stream()
                .flatMap(body -> body.getValue().attachments().stream()
                        .map(part ->
                                new AttachmentTable.Attachment(body.getKey().id(), part)))
                .toList();
        if (!attachments.isEmpty()) {
            AttachmentTable.insert(transaction, tenant, account, attachments);
        }
    }

    /** Emails that lie elsewhere too are changed and told; of the others, maybe millions, only the rows are marked. */
    private long unlink(LinkSelection links) {
        QuarantinedMessageTable.delete(transaction, account, links);
        List<UUID> elsewhere = EmailMailboxTable.linkedElsewhere(transaction, account, links);
        for (int from = 0; from < elsewhere.size(); from += CHUNK) {
            List<UUID> chunk = elsewhere.subList(from, Math.min(from + CHUNK, elsewhere.size()));
            EmailSet emails = stored(chunk);
            emails.unlink(links::contains);
            write(emails);
        }
        return elsewhere.size() + EmailMailboxTable.unlink(transaction, account, links, sync.pass);
    }

    private void vanish(MailboxKey key, UUID id) {
        unlink(LinkSelection.of(id));
        MailboxTable.delete(transaction, account, id);
        SyncStateTable.delete(transaction, account, SyncScope.ofMailbox(key));
        mailboxes.remove(id);
        changes.add(new MailboxDestroyed(new MailboxId(id)));
        // Children that stayed have lost their parent.
        writeMailboxes();
    }

    /** The second time there is nothing to reset, and nothing is told. */
    private void reset(MailboxKey key, UUID id, long uidValidity) {
        SyncScope scope = SyncScope.ofMailbox(key);
        boolean cursorLost = SyncStateTable.find(transaction, account, scope)
                .filter(cursor -> isUnderAnother(cursor, uidValidity))
                .isPresent();
        long unlinked = unlink(LinkSelection.notUnder(id, uidValidity));
        if (cursorLost) {
            SyncStateTable.delete(transaction, account, scope);
        }
        if (cursorLost || unlinked > 0) {
            changes.add(new org.postbus.change.ChangeEvent.MailboxReset(new MailboxId(id)));
        }
    }

    private static boolean isUnderAnother(Cursor cursor, long uidValidity) {
        return switch (cursor) {
            case Cursor.Imap imap -> imap.uidValidity() != uidValidity;
            case Cursor.Jmap jmap -> false;
        };
    }

    /**
     * {@code account_sync.pass} counts finished passes; what loses its last mailbox during pass n is marked n. When pass n ends,
     * what is marked with less than n was lost before it began, and this whole pass has not found it anywhere: it is destroyed.
     * Only while nothing is left to be read for the first time, for there it might still turn up.
     */
    private void finish(PassFinished finished) {
        if (!finished.confirmed().isEmpty()) {
            PendingChangesTable.confirm(transaction, account, finished.confirmed())
                    .forEach(changes::add);
        }
        QuarantinedMessageTable.deleteLinked(transaction, account);
        if (finished.initialRunEnded()) {
            destroyUnlinked();
        }
        sync.pass++;
        sync.lastSyncedAt = Optional.of(finished.finishedAt());
        if (finished.initialRunEnded()) {
            if (!sync.initialDone) {
                sync.initialDone = true;
                changes.add(new AccountSynced());
            }
            sync.state = SyncState.IDLE;
            sync.lastError = Optional.empty();
            sync.retryAt = Optional.empty();
            announce();
        }
        changes.flush();
        SyncLogTable.append(
                transaction,
                tenant,
                account,
                new SyncLogTable.Entry(
                        finished.startedAt(),
                        finished.finishedAt(),
                        sync.passCreated,
                        sync.passUpdated,
                        sync.passDestroyed,
                        Optional.empty()));
        sync.passCreated = 0;
        sync.passUpdated = 0;
        sync.passDestroyed = 0;
    }

    private void destroyUnlinked() {
        List<UUID> gone;
        do {
            gone = EmailTable.deleteUnlinkedBefore(transaction, account, sync.pass, CHUNK);
            gone.forEach(id -> changes.add(new EmailDestroyed(new EmailId(id))));
        } while (gone.size() == CHUNK);
    }

    private void observe(AccountStateObserved observed) {
        sync.state = observed.state();
        sync.lastError = observed.error();
        sync.retryAt = observed.retryAt();
        sync.push = observed.push().or(() -> sync.push);
        boolean isNews = !observed.error().equals(sync.announcedError);
        announce();
        if (isNews && observed.error().isPresent()) {
            SyncLogTable.append(
                    transaction, tenant, account, new SyncLogTable.Entry(now, now, 0, 0, 0, observed.error()));
        }
    }

    /**
     * Tells of the state if it is another one than was told last. {@code syncing} is not told: every poll would be two events,
     * and an account that is tried again every few minutes would seem to recover each time.
     */
    private void announce() {
        boolean same = sync.state == sync.announcedState && sync.lastError.equals(sync.announcedError);
        if (sync.state == SyncState.SYNCING || same) {
            return;
        }
        sync.announcedState = sync.state;
        sync.announcedError = sync.lastError;
        changes.add(new AccountStateChanged(sync.state, sync.lastError));
    }
}
