package org.postbus.writer.apply;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.writer.decide.EmailDifference;
import org.postbus.writer.decide.EmailDifference.LinkKey;
import org.postbus.writer.decide.EmailRun;
import org.postbus.writer.decide.EmailSet;
import org.postbus.writer.decide.LinkSelection;
import org.postbus.writer.decide.MailboxTree;
import org.postbus.writer.decide.StoredEmail;
import org.postbus.writer.decide.Threads;
import org.postbus.writer.table.AttachmentTable;
import org.postbus.writer.table.EmailBodyTable;
import org.postbus.writer.table.EmailMailboxTable;
import org.postbus.writer.table.EmailMailboxTable.SelectedLink;
import org.postbus.writer.table.EmailTable;
import org.postbus.writer.table.QuarantinedMessageTable;
import org.postbus.writer.table.ThreadReferenceTable;

/** Reads the emails that observations name, has them changed in memory and writes the difference. */
final class EmailWriter {
    /** Emails in memory at a time when a mailbox or a thread with any number of emails is gone. */
    private static final int CHUNK = 500;

    private final BatchContext context;
    private final Transaction transaction;
    private final TenantId tenant;
    private final AccountId account;
    private final MailboxTree mailboxes;
    private final ChangeLog changes;
    private EmailRun run;

    EmailWriter(BatchContext context, MailboxTree mailboxes) {
        this.context = context;
        this.transaction = context.transaction();
        this.tenant = context.tenant();
        this.account = context.account();
        this.mailboxes = mailboxes;
        this.changes = context.changes();
        this.run = new EmailRun(mailboxes);
    }

    /** The current run; empty after {@link #endRun}. */
    EmailRun run() {
        return run;
    }

    /** The mailboxes that the run names have been written. */
    void endRun() {
        EmailRun ended = run;
        run = new EmailRun(mailboxes);
        Set<String> references = ended.references();
        // Sent before the emails are read, so that the two answers are waited for once.
        Optional<Future<RowSet<Row>>> threads = references.isEmpty()
                ? Optional.empty()
                : Optional.of(ThreadReferenceTable.query(transaction, account, references));
        List<StoredEmail> stored = EmailTable.find(transaction, account, ended.keys());
        Map<String, UUID> storedThreads = threads.map(answer -> ThreadReferenceTable.threads(transaction.rows(answer)))
                .orElse(Map.of());
        EmailSet emails = new EmailSet(stored, new Threads(storedThreads, context.ids()), context.ids());
        ended.applyTo(emails);
        emails.followThreads(emails.threads());
        write(emails);
        joinThreads(emails.threads());
    }

    /** Rare: emails of joined threads that the run has not written itself go over to the remaining thread. */
    private void joinThreads(Threads threads) {
        Map<UUID, UUID> joined = threads.joined();
        if (joined.isEmpty()) {
            return;
        }
        ThreadReferenceTable.join(transaction, tenant, account, joined);
        List<UUID> others = EmailTable.inThreads(transaction, account, joined.keySet());
        for (int from = 0; from < others.size(); from += CHUNK) {
            EmailSet emails = read(others.subList(from, Math.min(from + CHUNK, others.size())));
            emails.followThreads(threads);
            write(emails);
        }
    }

    /**
     * Removes links. Emails that have another link are changed in memory, and their change is appended; of the others, of which there may be
     * millions, only the rows are marked.
     *
     * @param most links to remove in this transaction
     */
    Step unlink(LinkSelection gone, long most) {
        QuarantinedMessageTable.delete(transaction, account, gone);
        int wanted = (int) Math.min(BatchApplier.ROWS_MAX, most);
        List<SelectedLink> links = EmailMailboxTable.select(transaction, account, gone, wanted);
        List<UUID> elsewhere = links.stream()
                .filter(link -> !link.isOnly())
                .map(link -> link.key().emailId())
                .distinct()
                .toList();
        for (int from = 0; from < elsewhere.size(); from += CHUNK) {
            EmailSet emails = read(elsewhere.subList(from, Math.min(from + CHUNK, elsewhere.size())));
            emails.unlink(gone::contains);
            write(emails);
        }
        List<LinkKey> only = links.stream()
                .filter(SelectedLink::isOnly)
                .map(SelectedLink::key)
                .toList();
        if (!only.isEmpty()) {
            EmailMailboxTable.delete(transaction, account, only);
            EmailTable.markUnlinked(
                    transaction, account, only, gone.mailboxId(), context.sync().passesFinished());
        }
        return new Step(links.size(), links.size() < wanted);
    }

    private EmailSet read(List<UUID> emails) {
        return new EmailSet(
                EmailTable.find(transaction, account, emails), new Threads(Map.of(), context.ids()), context.ids());
    }

    private void write(EmailSet emails) {
        EmailDifference difference = emails.difference(context.sync().passesFinished());
        if (!difference.destroyed().isEmpty()) {
            EmailTable.delete(transaction, account, difference.destroyed());
        }
        if (!difference.unlinked().isEmpty()) {
            EmailMailboxTable.delete(transaction, account, difference.unlinked());
        }
        if (!difference.updated().isEmpty()) {
            EmailTable.update(transaction, account, difference.updated());
        }
        if (!difference.created().isEmpty()) {
            EmailTable.insert(transaction, tenant, account, difference.created());
        }
        if (!difference.linked().isEmpty()) {
            EmailMailboxTable.save(transaction, tenant, account, difference.linked());
        }
        if (!difference.bodies().isEmpty()) {
            EmailBodyTable.insert(transaction, tenant, account, difference.bodies());
        }
        List<EmailDifference.AttachmentRow> attachments = difference.attachments();
        if (!attachments.isEmpty()) {
            AttachmentTable.insert(transaction, tenant, account, attachments);
        }
        if (!difference.references().isEmpty()) {
            ThreadReferenceTable.insert(transaction, tenant, account, difference.references());
        }
        difference.changes().forEach(changes::add);
    }
}
