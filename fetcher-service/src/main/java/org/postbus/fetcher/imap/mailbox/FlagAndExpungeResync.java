package org.postbus.fetcher.imap.mailbox;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.Cursor;

/**
 * Brings the known messages of one mailbox up to date, those that have been read according to its cursor: by QRESYNC, which reports both flags and expunged messages; else
 * flags by mod-sequence, and expunged messages by comparing UIDs if counting shows that some vanished; else both by comparing.
 *
 * <p>The HIGHESTMODSEQ of the SELECT is published after everything up to it, and no higher one that was seen meanwhile (RFC 7162 section 6).
 */
public final class FlagAndExpungeResync {
    private static final Logger LOG = Logger.getLogger(FlagAndExpungeResync.class);

    private final ImapPassContext pass;
    private final ExpungeDetection expunges;
    private final FlagComparison flags;
    private final AtomicBoolean qresyncReportsFlags;

    /**
     * @param qresyncReportsFlags whether the server was ever seen to report flags with QRESYNC. James does not, so until it was seen the server
     *     is also asked for changes since the mod-sequence
     */
    public FlagAndExpungeResync(
            ImapPassContext pass, ExpungeDetection expunges, FlagComparison flags, AtomicBoolean qresyncReportsFlags) {
        this.pass = pass;
        this.expunges = expunges;
        this.flags = flags;
        this.qresyncReportsFlags = qresyncReportsFlags;
    }

    /**
     * Selects the mailbox, which has a cursor. If its UIDVALIDITY turns out to have changed, it has none afterwards.
     *
     * @return messages below the cursor that the server lists and that are not stored
     */
    public UidSet run(ImapMailbox mailbox, MailboxName name) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor().orElseThrow();
        MailboxSession session = pass.session();
        boolean byQresync = !pass.full()
                && session.connection().qresyncEnabled()
                && hasBaseline(cursor)
                && !session.membership().hasLabels(mailbox.observed());
        return byQresync ? byQresync(mailbox, name, cursor) : byComparison(mailbox, name, cursor);
    }

    /** Finds only which known messages of the mailbox vanished, and selects it. Its cursor stays. */
    public void expungesOnly(ImapMailbox mailbox, MailboxName name) throws InterruptedException {
        SelectedMailbox selected = pass.session().select(mailbox, name);
        Optional<Cursor.Imap> cursor = mailbox.cursor();
        if (cursor.isPresent() && !expunges.noneVanished(mailbox, cursor.get(), selected)) {
            expunges.compareUids(mailbox, cursor.get(), selected);
        }
    }

    private static boolean hasBaseline(Cursor.Imap cursor) {
        return cursor.uidValidity() > 0
                && cursor.uidValidity() <= UidSet.UID_MAX
                && cursor.highestModSeq().filter(modSeq -> modSeq > 0).isPresent();
    }

    private UidSet byQresync(ImapMailbox mailbox, MailboxName name, Cursor.Imap cursor) throws InterruptedException {
        MailboxSession.ResyncResult result = pass.session().resync(mailbox, name, cursor);
        if (mailbox.cursor().isEmpty()) {
            return UidSet.EMPTY;
        }
        SelectedMailbox selected = result.mailbox();
        UidSet missing = UidSet.EMPTY;
        if (result.complete()) {
            expunges.publishVanished(mailbox, cursor, result.vanished(), selected);
        }
        if (!result.complete() || !expunges.noneVanished(mailbox, cursor, selected)) {
            missing = expunges.compareUids(mailbox, cursor, selected);
        }
        qresyncReportsFlags.compareAndSet(false, result.flags() > 0);
        if (!result.complete()) {
            flags.compare(mailbox, cursor, selected, true);
        } else if (!qresyncReportsFlags.get()) {
            flags.changedSince(mailbox, cursor, selected, cursor.highestModSeq().orElseThrow());
        }
        finish(mailbox, cursor, selected);
        return missing;
    }

    private UidSet byComparison(ImapMailbox mailbox, MailboxName name, Cursor.Imap cursor) throws InterruptedException {
        SelectedMailbox selected = pass.session().select(mailbox, name);
        if (mailbox.cursor().isEmpty()) {
            return UidSet.EMPTY;
        }
        FlagsWork work = FlagsWork.of(
                cursor.highestModSeq(),
                selected.highestModSeq(),
                pass.full(),
                mailbox.flagChecks().allDue(pass.now()));
        UidSet missing = UidSet.EMPTY;
        boolean modSeqLost = cursor.highestModSeq().isPresent() && work instanceof FlagsWork.Compare;
        if (pass.full() || modSeqLost || !expunges.noneVanished(mailbox, cursor, selected)) {
            missing = expunges.compareUids(mailbox, cursor, selected);
        }
        switch (work) {
            case FlagsWork.Nothing nothing -> LOG.tracef("account %s: no flag has changed", pass.account());
            case FlagsWork.ChangedSince(long modSeq) -> flags.changedSince(mailbox, cursor, selected, modSeq);
            case FlagsWork.Compare(boolean all) -> flags.compare(mailbox, cursor, selected, all);
        }
        finish(mailbox, cursor, selected);
        return missing;
    }

    private void finish(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected) throws InterruptedException {
        pass.session().publishUnsolicited();
        mailbox.statusModSeqUsable(selected.highestModSeq().isPresent());
        if (mailbox.cursor().isPresent()) {
            Cursor.Imap next = new Cursor.Imap(
                    cursor.uidValidity(),
                    cursor.uidNext(),
                    ImapStates.boxed(selected.highestModSeq()),
                    cursor.backfillUid());
            if (!next.equals(cursor)) {
                pass.session().publishCursor(mailbox, next);
            }
        }
    }
}
