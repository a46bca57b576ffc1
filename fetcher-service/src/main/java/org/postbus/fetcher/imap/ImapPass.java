package org.postbus.fetcher.imap;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.postbus.mail.ServerException;
import org.postbus.event.Cursor;
import org.postbus.event.MailboxKey;
import org.postbus.event.Observation;
import org.postbus.event.ObservedMailbox;
import org.postbus.fetcher.ChangeSource.PassOutcome;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.mail.imap.grammar.SelectedMailbox;

/**
 * One look at a whole IMAP account.
 *
 * <p>Phases: (1) LIST with STATUS, which tells what must be opened at all; (2) in every mailbox that differs, what became of
 * the messages that are known ({@link FlagAndExpungeResync}); (3) in every mailbox that has any, the new ones ({@link MessageReader}). Vanished before
 * new, over all mailboxes, so that a message that was moved is first unlinked and then found again: one change, not two.
 *
 * <p>If it fails after any phase, what was published is true and the cursors that were published with it say how far it
 * goes; the next pass does the rest. A HIGHESTMODSEQ is only published after the command that brought everything up to it
 * has ended (RFC 7162 section 6).
 */
final class ImapPass {
    /** Messages between two cursors of a first run: what a crash costs at most. */
    static final int WINDOW_MESSAGES = 500;
    /** Without mod-sequences a flag that changes tells nobody: recent messages are compared so often. */
    private static final Duration RECENT_FLAGS_EVERY = Duration.ofMinutes(2);

    /** So many messages to be read are worth a compressed connection, for a while. */
    static final int BULK_MESSAGES = 1000;

    private final ImapConnection connection;
    private final MailboxSession.Step beforeBulk;
    private final Map<MailboxKey, ImapMailbox> mailboxes;
    private final ObservationPublisher out;
    private final MailboxSession visit;
    private final FlagAndExpungeResync lookBack;
    private final MessageReader reading;
    private final LabelAudit labelAudit;
    private final Set<String> unlistedLabels;
    private final boolean full;
    private final StatusRounds rounds;
    private final FullComparison comparison;
    private final boolean everything;
    private final Set<String> stirred;
    private final Instant now;

    /**
     * @param beforeBulk done on the connection when it turns out that many messages are to be read
     * @param unlistedLabels labels without a mailbox that passes of this claim have met; others are added
     * @param full trust no cursor
     * @param everything look at all mailboxes, though each be a command of its own
     * @param stirred raw names of mailboxes in which the watcher saw something; {@link ImapWatcher#EVERY_MAILBOX} for all
     */
    ImapPass(
            Claim claim,
            FetcherContext around,
            ImapConnection connection,
            MailboxSession.Step beforeBulk,
            Map<MailboxKey, ImapMailbox> mailboxes,
            PoisonMessages suspects,
            AtomicBoolean resyncTellsFlags,
            Set<String> unlistedLabels,
            ObservationPublisher out,
            boolean full,
            StatusRounds rounds,
            FullComparison comparison,
            boolean everything,
            Set<String> stirred,
            Instant now) {
        this.visit = new MailboxSession(claim.accountId(), connection, out, now);
        this.lookBack = new FlagAndExpungeResync(claim, around.tables(), visit, out, resyncTellsFlags, full, now);
        boolean readWhole = !full
                && !mailboxes.isEmpty()
                && mailboxes.values().stream()
                        .filter(mailbox -> mailbox.observed.selectable())
                        .allMatch(mailbox ->
                                mailbox.cursor.map(Cursor.Imap::backfilled).orElse(false));
        MoveDetection moves = new MoveDetection(claim, around.tables(), visit, lookBack, mailboxes, readWhole, now);
        this.reading = new MessageReader(claim.accountId(), visit, suspects, moves, around, out);
        this.labelAudit = new LabelAudit(claim, around.tables(), visit, lookBack, out);
        this.unlistedLabels = unlistedLabels;
        this.connection = connection;
        this.beforeBulk = beforeBulk;
        this.mailboxes = mailboxes;
        this.out = out;
        this.full = full;
        this.rounds = rounds;
        this.comparison = comparison;
        this.everything = everything;
        this.stirred = stirred;
        this.now = now;
    }

    /** A mailbox that has work, with the STATUS that said so. */
    private record Task(ImapMailbox mailbox, MailboxName name, MailboxStatus status, MailboxWork work) {}

    /** A mailbox in which new messages are to be read; {@code missing} are older ones that were overlooked. */
    private record Arrivals(ImapMailbox mailbox, MailboxName name, UidSet missing) {}

    PassOutcome run() throws InterruptedException {
        StatusRounds.Round round = rounds.look(connection, mailboxes.values(), everything, stirred, now);
        MailboxListing listing = MailboxListing.of(
                mailboxes.values().stream().map(ImapMailbox::asKnown).toList(), round.listed());
        visit.takeLabels(GmailLabels.of(connection.capabilities(), listing.listed()));
        List<Task> tasks = tasks(listing, round.unasked());
        publish(listing);
        if (tasks.stream().mapToLong(ImapPass::unread).sum() >= BULK_MESSAGES) {
            beforeBulk.run();
        }

        List<Arrivals> arrivals = new ArrayList<>();
        for (Task task : tasks) {
            visit.unlessRefused(task.mailbox(), () -> {
                Optional<Arrivals> more = lookBack(task);
                more.ifPresent(arrivals::add);
            });
        }
        for (Arrivals more : arrivals) {
            visit.unlessRefused(more.mailbox(), () -> arrive(more));
        }
        if (!full) {
            Optional<FullComparison.Missing> found = comparison.step(mailboxes, lookBack, visit, now);
            if (found.isPresent()) {
                FullComparison.Missing more = found.get();
                visit.unlessRefused(
                        more.mailbox(), () -> arrive(new Arrivals(more.mailbox(), more.name(), more.uids())));
            }
        }
        auditLabels(listing);
        visit.leave();
        boolean complete = mailboxes.values().stream().allMatch(this::isComplete);
        return new PassOutcome(complete, visit.isToLookAgain());
    }

    /** How many messages of the mailbox are to be read, about. */
    private static long unread(Task task) {
        long messages = task.status().messages().orElse(0);
        return switch (task.work()) {
            case MailboxWork.Nothing nothing -> 0;
            case MailboxWork.Renumbered renumbered -> messages;
            case MailboxWork.FirstRun first -> messages;
            case MailboxWork.CatchUp catchUp ->
                Math.clamp(
                        task.status().uidNext().orElse(0)
                                - task.mailbox().cursor.orElseThrow().uidNext(),
                        0L,
                        messages);
        };
    }

    private boolean isComplete(ImapMailbox mailbox) {
        return !mailbox.observed.selectable()
                || !visit.labels().isRead(mailbox.observed)
                || mailbox.refusedUntil.isAfter(now)
                || mailbox.cursor.map(Cursor.Imap::backfilled).orElse(false);
    }

    // ---- Phase 1

    private void publish(MailboxListing listing) throws InterruptedException {
        for (MailboxKey vanished : listing.vanished()) {
            out.add(new Observation.MailboxVanished(vanished));
            mailboxes.remove(vanished);
            visit.lookAgain();
        }
        for (ObservedMailbox changed : listing.changed()) {
            out.add(new Observation.MailboxObserved(changed));
            if (changed.renamedFrom().isPresent()) {
                // The cursor goes on under the new key.
                ImapMailbox mailbox = mailboxes.get(changed.key());
                if (mailbox.cursor.isPresent()) {
                    out.add(new Observation.ScopeSynced(mailbox.scope(), mailbox.cursor.get()));
                }
            }
        }
    }

    /** Brings {@link #mailboxes} up to date with the listing and says what is to be done in which, the inbox first. */
    private List<Task> tasks(MailboxListing listing, Set<MailboxName> unasked) {
        List<Task> tasks = new ArrayList<>();
        for (MailboxListing.Entry entry : listing.listed()) {
            MailboxKey key = entry.mailbox().key();
            MailboxKey before = listing.renamed().getOrDefault(key, key);
            ImapMailbox mailbox =
                    Optional.ofNullable(mailboxes.remove(before)).orElseGet(() -> ImapMailbox.fresh(entry.mailbox()));
            boolean unseenDiffers =
                    mailbox.observed.unreadEmails() != entry.mailbox().unreadEmails();
            if (!mailbox.observed.rawName().equals(entry.mailbox().rawName())) {
                mailbox.opened();
            }
            mailbox.observed = entry.mailbox();
            mailboxes.put(key, mailbox);
            if (!entry.mailbox().selectable()
                    || mailbox.refusedUntil.isAfter(now)
                    || unasked.contains(entry.listed().name())
                    || !visit.labels().isRead(entry.mailbox())) {
                continue;
            }
            MailboxStatus status = entry.listed()
                    .status()
                    .map(told -> mailbox.modSeqOfStatusMeansNothing ? withoutModSeq(told) : told)
                    .orElse(UNTOLD);
            if (full) {
                mailbox.trustNothing();
            }
            if (full && mailbox.cursor.isPresent() && !mailbox.cursor.get().backfilled()) {
                // A first run that broke off and is not to be trusted begins again; what it left is compared after it.
                mailbox.cursor = Optional.empty();
            }
            boolean suspicion = unseenDiffers
                    || isStirred(entry.listed().name())
                    || mailbox.flagsSuspect
                    || !mailbox.recentComparedAt.plus(RECENT_FLAGS_EVERY).isAfter(now);
            MailboxWork work = MailboxWork.of(mailbox.cursor, mailbox.known, status, suspicion, full);
            if (!(work instanceof MailboxWork.Nothing)) {
                tasks.add(new Task(mailbox, entry.listed().name(), status, work));
            }
        }
        tasks.sort(Comparator.comparingInt(task -> urgency(task.mailbox().observed)));
        return tasks;
    }

    private static final MailboxStatus UNTOLD = new MailboxStatus(
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalLong.empty(),
            Optional.empty());

    private boolean isStirred(MailboxName name) {
        return stirred.contains(name.raw()) || stirred.contains(ImapWatcher.EVERY_MAILBOX);
    }

    private static MailboxStatus withoutModSeq(MailboxStatus status) {
        return new MailboxStatus(
                status.messages(),
                status.unseen(),
                status.uidNext(),
                status.uidValidity(),
                OptionalLong.empty(),
                status.mailboxId());
    }

    /** People look at some mailboxes first. */
    private static int urgency(ObservedMailbox mailbox) {
        return mailbox.role()
                .map(role -> switch (role) {
                    case INBOX -> 0;
                    case SENT, DRAFTS -> 1;
                    case ARCHIVE, FLAGGED, IMPORTANT, SUBSCRIBED -> 2;
                    case ALL -> 4;
                    case JUNK, TRASH -> 5;
                })
                .orElse(3);
    }

    // ---- Phase 2

    /** @return what phase 3 has to do in this mailbox */
    private Optional<Arrivals> lookBack(Task task) throws InterruptedException {
        ImapMailbox mailbox = task.mailbox();
        return switch (task.work()) {
            case MailboxWork.Nothing nothing -> Optional.empty();
            case MailboxWork.Renumbered(long uidValidity) -> {
                visit.renumbered(mailbox, uidValidity);
                yield Optional.of(new Arrivals(mailbox, task.name(), UidSet.EMPTY));
            }
            case MailboxWork.FirstRun first -> {
                if (isEmpty(task.status())) {
                    complete(mailbox, task.status());
                    yield Optional.empty();
                }
                yield Optional.of(new Arrivals(mailbox, task.name(), UidSet.EMPTY));
            }
            case MailboxWork.CatchUp(boolean lookBack, boolean arrivals) -> {
                UidSet missing = lookBack ? this.lookBack.at(mailbox, task.name()) : UidSet.EMPTY;
                yield arrivals || !missing.isEmpty() || mailbox.cursor.isEmpty()
                        ? Optional.of(new Arrivals(mailbox, task.name(), missing))
                        : Optional.empty();
            }
        };
    }

    private static boolean isEmpty(MailboxStatus status) {
        return status.messages().isPresent()
                && status.messages().getAsLong() == 0
                && status.uidNext().isPresent()
                && status.uidValidity().isPresent();
    }

    private void complete(ImapMailbox mailbox, MailboxStatus status) throws InterruptedException {
        mailbox.known = OptionalLong.of(0);
        visit.synced(
                mailbox,
                new Cursor.Imap(
                        status.uidValidity().getAsLong(),
                        status.uidNext().getAsLong(),
                        ImapObservations.boxed(status.highestModSeq()),
                        1));
    }

    /** Last, for what has come is told with its labels. */
    private void auditLabels(MailboxListing listing) throws InterruptedException {
        List<LabelAudit.Label> labels = new ArrayList<>();
        Optional<MailboxListing.Entry> allMail = Optional.empty();
        for (MailboxListing.Entry entry : listing.listed()) {
            ImapMailbox mailbox = mailboxes.get(entry.mailbox().key());
            if (visit.labels().areOn(entry.mailbox())) {
                allMail = Optional.of(entry);
            } else if (entry.mailbox().selectable()
                    && !mailbox.refusedUntil.isAfter(now)
                    && !visit.labels().isRead(entry.mailbox())) {
                if (full) {
                    mailbox.agreed = Optional.empty();
                }
                entry.listed()
                        .status()
                        .flatMap(LabelAudit.Members::of)
                        .ifPresent(members -> labels.add(
                                new LabelAudit.Label(mailbox, entry.listed().name(), members)));
            }
        }
        if (allMail.isPresent()) {
            ImapMailbox mailbox = mailboxes.get(allMail.get().mailbox().key());
            if (mailbox.cursor.map(Cursor.Imap::backfilled).orElse(false)) {
                labelAudit.run(labels, mailbox, allMail.get().listed().name());
            }
            if (unlistedLabels.addAll(visit.labels().unlisted())) {
                // Made since the mailboxes were listed; or hidden, and then it stays so.
                visit.lookAgain();
            }
        }
    }

    // ---- Phase 3

    private void arrive(Arrivals arrivals) throws InterruptedException {
        ImapMailbox mailbox = arrivals.mailbox();
        Optional<SelectedMailbox> stillOpen = visit.ifOpen(mailbox);
        SelectedMailbox now = stillOpen.isPresent() ? stillOpen.get() : visit.select(mailbox, arrivals.name());
        if (mailbox.cursor.isEmpty()) {
            begin(mailbox, now);
        }
        catchUp(mailbox, now, arrivals.missing());
        backfill(mailbox);
        visit.takeChanges();
    }

    /** The numbers of the first SELECT hold until everything below them has been read (RFC 7162 section 6). */
    private void begin(ImapMailbox mailbox, SelectedMailbox now) throws InterruptedException {
        long uidNext = uidNext(now);
        mailbox.recentComparedAt = this.now;
        mailbox.allComparedAt = this.now;
        Cursor.Imap cursor = new Cursor.Imap(
                now.uidValidity().orElse(0),
                uidNext,
                ImapObservations.boxed(now.highestModSeq()),
                now.messages() == 0 ? 1 : Math.max(1, uidNext));
        visit.synced(mailbox, cursor);
    }

    private long uidNext(SelectedMailbox now) throws InterruptedException {
        if (now.uidNext().isPresent()) {
            return now.uidNext().getAsLong();
        }
        UidSet all = UidSet.of(Await.of(connection.uidSearchAll(), MailboxSession.COMMAND_TIME_MAX, ServerException::unreachable));
        return all.isEmpty() ? 1 : all.last() + 1;
    }

    /** What came since the cursor, the oldest first: the cursor rises with it. */
    private void catchUp(ImapMailbox mailbox, SelectedMailbox now, UidSet missing) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor.orElseThrow();
        if (!missing.isEmpty()) {
            readMissing(mailbox, missing);
        }
        long uidNext = uidNext(now);
        if (uidNext <= cursor.uidNext()) {
            return;
        }
        UidSet span = UidSet.between(cursor.uidNext(), uidNext);
        // UIDs may lie far apart: many of them are asked for by what is there, a few by their span.
        UidSet there = span.size() <= WINDOW_MESSAGES
                ? span
                : span.and(UidSet.of(Await.of(connection.uidSearchAll(), MailboxSession.COMMAND_TIME_MAX, ServerException::unreachable)));
        UidSet rest = there;
        while (!rest.isEmpty()) {
            UidSet window = rest.lowest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            mailbox.saw(reading.read(mailbox, window).size());
            raise(mailbox, rest.isEmpty() ? uidNext : window.last() + 1);
        }
        if (there.isEmpty()) {
            raise(mailbox, uidNext);
        }
    }

    private void raise(ImapMailbox mailbox, long uidNext) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor.orElseThrow();
        visit.synced(
                mailbox, new Cursor.Imap(cursor.uidValidity(), uidNext, cursor.highestModSeq(), cursor.backfillUid()));
    }

    /** What was there before the first run, the newest first: people want to see today's mail. */
    private void backfill(ImapMailbox mailbox) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor.orElseThrow();
        if (cursor.backfilled()) {
            return;
        }
        UidSet rest = UidSet.between(1, cursor.backfillUid())
                .and(UidSet.of(Await.of(connection.uidSearchAll(), MailboxSession.COMMAND_TIME_MAX, ServerException::unreachable)));
        while (!rest.isEmpty()) {
            UidSet window = rest.highest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            mailbox.saw(reading.read(mailbox, window).size());
            lower(mailbox, rest.isEmpty() ? 1 : window.first());
        }
        if (!mailbox.cursor.orElseThrow().backfilled()) {
            lower(mailbox, 1);
        }
        // What changed while it was read is known to the mod-sequence of its beginning only.
        visit.lookAgain();
    }

    private void lower(ImapMailbox mailbox, long backfillUid) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor.orElseThrow();
        visit.synced(
                mailbox, new Cursor.Imap(cursor.uidValidity(), cursor.uidNext(), cursor.highestModSeq(), backfillUid));
    }

    /** What is listed but was overlooked. If the server says nothing of it now either, it is put aside. */
    private void readMissing(ImapMailbox mailbox, UidSet missing) throws InterruptedException {
        UidSet rest = missing;
        while (!rest.isEmpty()) {
            UidSet window = rest.lowest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            reading.readListed(mailbox, window);
            mailbox.saw(window.size());
        }
    }
}
