package org.postbus.fetcher.imap.mailbox;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;
import org.postbus.mail.ServerException;
import org.postbus.event.Cursor;
import org.postbus.event.MailboxKey;
import org.postbus.event.UidRange;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.session.MailboxChange;
import org.postbus.model.Keyword;

/**
 * What became of the messages of one mailbox that are known: by QRESYNC, which tells both flags and deletions; else flags by
 * mod-sequence and deletions by comparing UIDs, if counting shows that some went; else both by comparing.
 *
 * <p>The HIGHESTMODSEQ of the SELECT is published after all that it stands for, and no higher one that was seen on the way
 * (RFC 7162 section 6).
 */
public final class FlagAndExpungeResync {
    /** UIDs whose flags are compared in one step. */
    static final int COMPARED_MESSAGES = 2000;

    private static final Duration ALL_FLAGS_EVERY = Duration.ofMinutes(30);
    private static final int AHEAD_STATES = 200;
    private static final Logger LOG = Logger.getLogger(FlagAndExpungeResync.class);

    private final Claim claim;
    private final AccountTables tables;
    private final MailboxSession visit;
    private final ObservationPublisher out;
    private final AtomicBoolean tellsFlags;
    private final boolean full;
    private final Instant now;

    /**
     * @param tellsFlags whether the server has ever told of flags with QRESYNC. James does not, so until it has been seen to,
     *     the server is asked for them by mod-sequence too
     */
    public FlagAndExpungeResync(
            Claim claim,
            AccountTables tables,
            MailboxSession visit,
            ObservationPublisher out,
            AtomicBoolean tellsFlags,
            boolean full,
            Instant now) {
        this.tellsFlags = tellsFlags;
        this.claim = claim;
        this.tables = tables;
        this.visit = visit;
        this.out = out;
        this.full = full;
        this.now = now;
    }

    /** @return messages that should be known and are not; if the mailbox turns out to be renumbered, it has no cursor then */
    public UidSet at(ImapMailbox mailbox, MailboxName name) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor.orElseThrow();
        boolean byResync = !full
                && visit.connection().qresyncEnabled()
                && hasBaseline(cursor)
                && !visit.labels().areOn(mailbox.observed);
        return byResync ? resync(mailbox, name, cursor) : compare(mailbox, name, cursor);
    }

    private static boolean hasBaseline(Cursor.Imap cursor) {
        return cursor.uidValidity() > 0
                && cursor.highestModSeq().filter(modSeq -> modSeq > 0).isPresent();
    }

    private UidSet resync(ImapMailbox mailbox, MailboxName name, Cursor.Imap cursor) throws InterruptedException {
        MailboxSession.Told told = visit.resync(mailbox, name, cursor);
        if (mailbox.cursor.isEmpty()) {
            return UidSet.EMPTY;
        }
        UidSet missing = UidSet.EMPTY;
        if (told.complete()) {
            forget(mailbox, cursor, told.vanished(), told.mailbox());
        }
        if (!told.complete() || !nothingElseVanished(mailbox, cursor, told.mailbox())) {
            missing = compareUids(mailbox, cursor, told.mailbox());
        }
        tellsFlags.compareAndSet(false, told.flags() > 0);
        if (!told.complete()) {
            compareFlags(mailbox, cursor, told.mailbox(), true);
        } else if (!tellsFlags.get()) {
            changedSince(mailbox, cursor, told.mailbox(), cursor.highestModSeq().orElseThrow());
        }
        finish(mailbox, cursor, told.mailbox());
        return missing;
    }

    /** Of what vanished only what is known: the server may name UIDs that never were. */
    private void forget(ImapMailbox mailbox, Cursor.Imap cursor, UidSet vanished, SelectedMailbox selected)
            throws InterruptedException {
        if (vanished.isEmpty()) {
            return;
        }
        out.awaitApplied();
        UidSet ours = ours(mailbox, cursor);
        visit.vanished(
                mailbox,
                cursor.uidValidity(),
                ours.or(UidSet.ofUids(mailbox.withheld)).and(vanished));
        mailbox.withheld.removeIf(vanished::contains);
        count(mailbox, cursor, ours.minus(vanished), selected);
    }

    public UidSet ours(ImapMailbox mailbox, Cursor.Imap cursor) throws InterruptedException {
        return tables.uids(claim.tenantId(), claim.accountId(), mailbox.key(), cursor.uidValidity());
    }

    /**
     * What a pass that broke off has stored beyond its cursor is read again with what is new. Of that only what is still there then
     * will be counted, so nothing is certain until it has been laid beside the server once more.
     *
     * @param there stored, and on the server as well
     */
    private void count(ImapMailbox mailbox, Cursor.Imap cursor, UidSet there, SelectedMailbox selected) {
        boolean beyond = !there.isEmpty() && there.last() >= cursor.uidNext();
        mailbox.known = beyond ? OptionalLong.empty() : OptionalLong.of(there.size() + mailbox.withheld.size());
        if (beyond && selected.uidNext().orElse(Long.MAX_VALUE) > cursor.uidNext()) {
            visit.lookAgain();
        }
    }

    private static boolean nothingElseVanished(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected) {
        return MailboxWork.nothingVanished(
                cursor, mailbox.known, OptionalLong.of(selected.messages()), selected.uidNext());
    }

    private UidSet compare(ImapMailbox mailbox, MailboxName name, Cursor.Imap cursor) throws InterruptedException {
        SelectedMailbox selected = visit.select(mailbox, name);
        if (mailbox.cursor.isEmpty()) {
            return UidSet.EMPTY;
        }
        boolean allDue = !mailbox.allComparedAt.plus(ALL_FLAGS_EVERY).isAfter(now);
        FlagsWork flags = FlagsWork.of(cursor.highestModSeq(), selected.highestModSeq(), full, allDue);
        UidSet missing = UidSet.EMPTY;
        boolean restored = cursor.highestModSeq().isPresent() && flags instanceof FlagsWork.Compare;
        if (full || restored || !nothingElseVanished(mailbox, cursor, selected)) {
            missing = compareUids(mailbox, cursor, selected);
        }
        switch (flags) {
            case FlagsWork.Nothing nothing -> LOG.tracef("account %s: flags are as they were", claim.accountId());
            case FlagsWork.ChangedSince(long modSeq) -> changedSince(mailbox, cursor, selected, modSeq);
            case FlagsWork.Compare(boolean all) -> compareFlags(mailbox, cursor, selected, all);
        }
        finish(mailbox, cursor, selected);
        return missing;
    }

    private void finish(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected) throws InterruptedException {
        visit.takeChanges();
        mailbox.modSeqOfStatusMeansNothing = selected.highestModSeq().isEmpty();
        if (mailbox.cursor.isPresent()) {
            Cursor.Imap next = new Cursor.Imap(
                    cursor.uidValidity(),
                    cursor.uidNext(),
                    ImapObservations.boxed(selected.highestModSeq()),
                    cursor.backfillUid());
            if (!next.equals(cursor)) {
                visit.synced(mailbox, next);
            }
        }
    }

    /** Flags of messages that are known and changed (RFC 7162 section 3.1.4.1). */
    private void changedSince(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected, long modSeq)
            throws InterruptedException {
        UidSet known = UidSet.between(1, cursor.uidNext());
        if (known.isEmpty() || selected.messages() == 0) {
            // Nothing to ask for; and James answers BAD to any UID FETCH in an empty mailbox.
            return;
        }
        FetchItems items = stateItems(mailbox, true).changedSince(modSeq);
        Set<Long> withoutLabels = new TreeSet<>();
        try (Inflow<FetchedMessage> messages =
                Inflow.of(visit.connection().uidFetch(known.ranges(), items), AHEAD_STATES)) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                FetchedMessage message = next.get();
                if (message.flags().isEmpty() || message.uid() >= cursor.uidNext()) {
                    continue;
                }
                Optional<Set<MailboxKey>> in = visit.labels().mailboxes(mailbox.observed, message);
                if (in.isPresent()) {
                    out.add(ImapObservations.state(mailbox.key(), cursor.uidValidity(), in.get(), message));
                } else {
                    withoutLabels.add(message.uid());
                }
            }
        }
        readAgain(mailbox, selected, UidSet.ofUids(withoutLabels));
    }

    private FetchItems stateItems(ImapMailbox mailbox, boolean withModSeq) {
        FetchItems items =
                withModSeq ? FetchItems.of(FetchItems.FLAGS, FetchItems.MOD_SEQ) : FetchItems.of(FetchItems.FLAGS);
        return visit.labels().areOn(mailbox.observed) ? items.and(FetchItems.GMAIL) : items;
    }

    /** Flags of messages that are known, one by one with what the database has. */
    private void compareFlags(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected, boolean all)
            throws InterruptedException {
        out.awaitApplied();
        UidSet known = tables.uids(claim.tenantId(), claim.accountId(), mailbox.key(), cursor.uidValidity());
        UidSet rest = all ? known : known.highest(COMPARED_MESSAGES);
        while (!rest.isEmpty() && selected.messages() > 0) {
            UidSet step = rest.highest(COMPARED_MESSAGES);
            rest = rest.minus(step);
            // A span, and not the set: its few strangers cost less than a long command.
            compareStates(mailbox, cursor, selected, UidSet.between(step.first(), step.last() + 1));
        }
        mailbox.flagsSuspect = false;
        mailbox.recentComparedAt = now;
        if (all) {
            mailbox.allComparedAt = now;
        }
    }

    /** Asks for the state of messages that are known and publishes what differs, on whatever grounds. */
    public void readAgain(ImapMailbox mailbox, SelectedMailbox selected, UidSet uids) throws InterruptedException {
        UidSet rest = uids;
        if (!rest.isEmpty()) {
            out.awaitApplied();
        }
        while (!rest.isEmpty()) {
            UidSet step = rest.highest(COMPARED_MESSAGES);
            rest = rest.minus(step);
            compareStates(mailbox, mailbox.cursor.orElseThrow(), selected, step);
        }
    }

    private void compareStates(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected, UidSet uids)
            throws InterruptedException {
        UidRange span = new UidRange(uids.first(), uids.last());
        Map<Long, Set<Keyword>> keywords =
                tables.keywords(claim.tenantId(), claim.accountId(), mailbox.key(), cursor.uidValidity(), span);
        Map<Long, Set<MailboxKey>> mailboxes = visit.labels().areOn(mailbox.observed)
                ? tables.mailboxes(claim.tenantId(), claim.accountId(), mailbox.key(), cursor.uidValidity(), span)
                : Map.of();
        Set<MailboxKey> home = Set.of(mailbox.key());
        FetchItems items = stateItems(mailbox, selected.highestModSeq().isPresent());
        try (Inflow<FetchedMessage> messages =
                Inflow.of(visit.connection().uidFetch(uids.ranges(), items), AHEAD_STATES)) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                FetchedMessage message = next.get();
                Set<Keyword> had = keywords.get(message.uid());
                if (had == null || message.flags().isEmpty()) {
                    continue;
                }
                Set<MailboxKey> wasIn = mailboxes.getOrDefault(message.uid(), home);
                Set<MailboxKey> isIn =
                        visit.labels().mailboxes(mailbox.observed, message).orElse(wasIn);
                if (!had.equals(ImapObservations.keywords(message)) || !wasIn.equals(isIn)) {
                    out.add(ImapObservations.state(mailbox.key(), cursor.uidValidity(), isIn, message));
                }
            }
        }
    }

    /**
     * Finds what has gone by laying our UIDs beside the server's. Ours are read first, and only when the writer has applied
     * all that we sent: a message that comes in between is then on the server's side alone and does not look deleted.
     *
     * @return messages that should be known and are not
     */
    public UidSet compareUids(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected) throws InterruptedException {
        out.awaitApplied();
        UidSet ours = ours(mailbox, cursor);
        UidSet theirs = UidSet.of(Await.of(visit.connection().uidSearchAll(), MailboxSession.COMMAND_TIME_MAX, ServerException::unreachable));
        boolean someWentMeanwhile = visit.connection().takeChanges().stream()
                .anyMatch(change -> change instanceof MailboxChange.Expunged
                        || change instanceof MailboxChange.Vanished
                        || change instanceof MailboxChange.TooMany);
        if (theirs.size() < selected.messages() && !someWentMeanwhile) {
            // It says that there are more than it lists. Whatever is wrong there, no mail is to be lost by it.
            LOG.warnf(
                    "account %s: a mailbox of %d messages lists only %d of them; nothing is taken for deleted",
                    claim.accountId(), selected.messages(), theirs.size());
            mailbox.known = OptionalLong.empty();
            return UidSet.EMPTY;
        }
        visit.vanished(
                mailbox,
                cursor.uidValidity(),
                ours.or(UidSet.ofUids(mailbox.withheld)).minus(theirs));
        mailbox.withheld.removeIf(uid -> !theirs.contains(uid) || ours.contains(uid));
        UidSet missing =
                theirs.and(UidSet.between(1, cursor.uidNext())).minus(ours).minus(UidSet.ofUids(mailbox.withheld));
        count(mailbox, cursor, ours.and(theirs), selected);
        if (someWentMeanwhile) {
            mailbox.known = OptionalLong.empty();
            visit.lookAgain();
        }
        return missing;
    }
}
