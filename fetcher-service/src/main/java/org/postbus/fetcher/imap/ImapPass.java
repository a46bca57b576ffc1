package org.postbus.fetcher.imap;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.postbus.fetcher.imap.NewMessages.Unread;
import org.postbus.fetcher.imap.gmail.GmailLabels;
import org.postbus.fetcher.imap.gmail.LabelAudit;
import org.postbus.fetcher.imap.mailbox.ExpungeDetection;
import org.postbus.fetcher.imap.mailbox.FlagAndExpungeResync;
import org.postbus.fetcher.imap.mailbox.FlagComparison;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapPassContext;
import org.postbus.fetcher.imap.mailbox.ImapStates;
import org.postbus.fetcher.imap.mailbox.MailboxListing;
import org.postbus.fetcher.imap.mailbox.MailboxSession;
import org.postbus.fetcher.imap.mailbox.MailboxWork;
import org.postbus.fetcher.imap.mailbox.StoredCounts;
import org.postbus.fetcher.imap.message.MessageReader;
import org.postbus.fetcher.imap.message.MoveDetection;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.ChangeSource.PassOutcome;
import org.postbus.fetcher.source.ChangeSource.PassRequest;
import org.postbus.fetcher.store.StoredImapState;
import org.postbus.fetcher.store.StoredLabels;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservedMailbox;

/**
 * One pass over an IMAP account.
 *
 * <p>Phases: (1) LIST with STATUS, done by {@link ImapSource}, which shows what must be selected at all ({@link MailboxTask}); (2) in every mailbox
 * that differs, the flag and expunge resync ({@link FlagAndExpungeResync}); (3) in every mailbox that has any, the new messages ({@link
 * NewMessages}). Phase 2 is done for all mailboxes before phase 3, so that a message that was moved is first unlinked and then found again:
 * one change instead of two. An unchanged account costs one LIST.
 *
 * <p>If a pass fails after any phase, what was published is true and the cursors that were published with it say how far it goes; the next pass
 * does the rest. A HIGHESTMODSEQ is published only after the command that returned everything up to it has ended (RFC 7162 section 6).
 */
final class ImapPass {
    /** From this many messages to be read on a compressed connection is worth its cost. */
    static final int BULK_MESSAGES = 1000;

    private final ImapAccount account;
    private final Map<MailboxKey, ImapMailbox> mailboxes;
    private final ImapConnection connection;
    private final MailboxSession.Step beforeBulk;
    private final Scope scope;
    private final StatusRounds.Round round;
    private final ImapPassContext pass;
    private final MailboxSession session;
    private final ExpungeDetection expunges;
    private final FlagComparison flags;
    private final FlagAndExpungeResync resync;
    private final NewMessages newMessages;

    /**
     * @param everything check all mailboxes, even if each takes a command
     * @param dirty mailboxes that the watcher knows to have changed
     */
    record Scope(PassRequest request, boolean everything, DirtyMailboxes dirty) {}

    /**
     * @param beforeBulk run when many messages are to be read
     * @param round the mailboxes as this pass has listed them
     */
    ImapPass(
            ImapAccount account,
            ImapConnection connection,
            MailboxSession.Step beforeBulk,
            ObservationPublisher out,
            Scope scope,
            StatusRounds.Round round) {
        this.account = account;
        this.mailboxes = account.mailboxes();
        this.connection = connection;
        this.beforeBulk = beforeBulk;
        this.scope = scope;
        this.round = round;
        PassRequest request = scope.request();
        this.session = new MailboxSession(account.claim().accountId(), connection, out, request.startedAt());
        this.pass = new ImapPassContext(
                account.claim().accountId(),
                new StoredImapState(account.context().transactions(), account.claim()),
                new StoredLabels(account.context().transactions(), account.claim()),
                session,
                out,
                request.full(),
                account.deferrable(),
                request.startedAt());
        this.expunges = new ExpungeDetection(pass);
        this.flags = new FlagComparison(pass);
        this.resync = new FlagAndExpungeResync(pass, expunges, flags, account.qresyncReportsFlags());
        MoveDetection moves = new MoveDetection(pass, resync, mailboxes, request.full() || !account.isReadWhole());
        this.newMessages =
                new NewMessages(pass, new MessageReader(pass, account.context(), account.poisonMessages(), moves));
    }

    PassOutcome run() throws InterruptedException {
        long sentBefore = pass.out().sentSeq();
        MailboxListing listing = MailboxListing.of(
                mailboxes.values().stream().map(ImapMailbox::snapshot).toList(), round.listed());
        if (scope.request().requested()) {
            account.takeRequestedRetries(pass.stored(), pass.now());
            account.compareWhatMutationsChanged(pass.stored());
        }
        Optional<GmailLabels> labels = GmailLabels.find(connection.capabilities(), listing.listed());
        labels.ifPresent(session::membership);
        List<MailboxTask> tasks = MailboxTask.of(round, listing, mailboxes, scope.dirty(), pass);
        publish(listing);
        if (tasks.stream().mapToLong(MailboxTask::unreadMessages).sum() >= BULK_MESSAGES) {
            beforeBulk.run();
        }

        List<Unread> unread = new ArrayList<>();
        for (MailboxTask task : tasks) {
            session.unlessRefused(task.mailbox(), () -> resync(task).ifPresent(unread::add));
        }
        for (Unread mailbox : unread) {
            session.unlessRefused(mailbox.mailbox(), () -> newMessages.read(mailbox));
        }
        if (!pass.full()) {
            Optional<Unread> missing = account.fullComparison().step(mailboxes, expunges, flags, session, pass.now());
            if (missing.isPresent()) {
                session.unlessRefused(missing.get().mailbox(), () -> newMessages.read(missing.get()));
            }
        }
        if (labels.isPresent()) {
            auditLabels(labels.get(), listing);
        }
        if (pass.out().isPending() || pass.out().sentSeq() > sentBefore) {
            new StoredCounts(pass)
                    .publish(
                            listing.listed().stream()
                                    .filter(entry -> !round.unchecked()
                                            .contains(entry.listed().name()))
                                    .toList(),
                            mailboxes);
        }
        session.unselect();
        return new PassOutcome(
                mailboxes.values().stream().allMatch(this::isComplete),
                session.anotherPassRequested(),
                account.statusRounds()
                        .completeSince(round, refused(), scope.request().number()));
    }

    /** Mailboxes that this pass could not check: a mutation in one of them is not confirmed by it. */
    private Set<MailboxName> refused() {
        return mailboxes.values().stream()
                .filter(mailbox -> !mailbox.refusals().countsAsChecked(pass.now()))
                .flatMap(mailbox -> mailbox.name().stream())
                .collect(Collectors.toSet());
    }

    private boolean isComplete(ImapMailbox mailbox) {
        return !mailbox.observed().selectable()
                || !session.membership().storesMessages(mailbox.observed())
                || mailbox.refusals().isPausing(pass.now())
                || mailbox.isBackfilled();
    }

    private void publish(MailboxListing listing) throws InterruptedException {
        for (MailboxKey vanished : listing.vanished()) {
            pass.out().add(new Observation.MailboxVanished(vanished));
            mailboxes.remove(vanished);
            session.requestAnotherPass();
        }
        for (ObservedMailbox changed : listing.changed()) {
            pass.out().add(new Observation.MailboxObserved(changed));
            if (changed.renamedFrom().isPresent()) {
                // The cursor is stored by key.
                ImapMailbox mailbox = mailboxes.get(changed.key());
                if (mailbox.cursor().isPresent()) {
                    pass.out()
                            .add(new Observation.ScopeSynced(
                                    mailbox.scope(), mailbox.cursor().get()));
                }
            }
        }
    }

    /** Phase 2 for one mailbox. Returns what phase 3 has to read in it. */
    private Optional<Unread> resync(MailboxTask task) throws InterruptedException {
        ImapMailbox mailbox = task.mailbox();
        return switch (task.work()) {
            // Only messages that could not be read before are to be tried again.
            case MailboxWork.Nothing nothing -> Optional.of(new Unread(mailbox, task.name(), UidSet.EMPTY));
            case MailboxWork.UidValidityChanged(long uidValidity) -> {
                session.publishReset(mailbox, uidValidity);
                yield Optional.of(new Unread(mailbox, task.name(), UidSet.EMPTY));
            }
            case MailboxWork.InitialSync initial -> {
                if (task.isEmptyMailbox()) {
                    completeEmpty(task);
                    yield Optional.empty();
                }
                yield Optional.of(new Unread(mailbox, task.name(), UidSet.EMPTY));
            }
            case MailboxWork.InitialSyncResumed resumed -> {
                UidSet missing = resync.run(mailbox, task.name());
                yield Optional.of(new Unread(mailbox, task.name(), missing));
            }
            case MailboxWork.CatchUp(boolean resyncKnown, boolean arrivals) -> {
                UidSet missing = resyncKnown ? resync.run(mailbox, task.name()) : UidSet.EMPTY;
                boolean more = arrivals
                        || mailbox.listsNew()
                        || !missing.isEmpty()
                        || mailbox.cursor().isEmpty();
                yield more || !mailbox.notRead().due(pass.now()).isEmpty()
                        ? Optional.of(new Unread(mailbox, task.name(), missing))
                        : Optional.empty();
            }
        };
    }

    private void completeEmpty(MailboxTask task) throws InterruptedException {
        task.mailbox().knows(0);
        session.publishCursor(
                task.mailbox(),
                new Cursor.Imap(
                        task.status().uidValidity().getAsLong(),
                        task.status().uidNext().getAsLong(),
                        ImapStates.boxed(task.status().highestModSeq()),
                        1));
    }

    /** At the end of the pass, because new messages are published with their labels. */
    private void auditLabels(GmailLabels labels, MailboxListing listing) throws InterruptedException {
        new LabelAudit(pass, flags).run(labels, listing, mailboxes);
        if (account.unlistedLabels().addAll(labels.unlisted())) {
            // Created since the mailboxes were listed: the next pass lists them. Or hidden from IMAP: then they are not
            // new to it.
            session.requestAnotherPass();
        }
    }
}
