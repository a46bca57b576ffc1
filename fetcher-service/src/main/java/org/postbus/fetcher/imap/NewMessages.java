package org.postbus.fetcher.imap;

import java.util.Optional;
import java.util.OptionalLong;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapPassContext;
import org.postbus.fetcher.imap.mailbox.ImapStates;
import org.postbus.fetcher.imap.mailbox.MailboxSession;
import org.postbus.fetcher.imap.message.MessageReader;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.Cursor;

/**
 * Reads the messages of a mailbox that are not known yet and moves its cursor with them: those that arrived since the cursor, oldest first, and
 * in the initial sync those that existed before, newest first.
 */
final class NewMessages {
    /** Messages between two cursors: what a crash costs at most. */
    static final int WINDOW_MESSAGES = 500;
    /** Messages of a mailbox that are tried again in one pass, each with a command of its own. */
    private static final int RETRIES_MAX = 50;

    private final ImapPassContext pass;
    private final MailboxSession session;
    private final MessageReader reader;

    NewMessages(ImapPassContext pass, MessageReader reader) {
        this.pass = pass;
        this.session = pass.session();
        this.reader = reader;
    }

    /**
     * A mailbox with messages to read.
     *
     * @param missing messages below the cursor that the server lists and that are not stored
     */
    record Unread(ImapMailbox mailbox, MailboxName name, UidSet missing) {}

    void read(Unread unread) throws InterruptedException {
        ImapMailbox mailbox = unread.mailbox();
        Optional<SelectedMailbox> selectedBefore = session.ifSelected(mailbox);
        SelectedMailbox selected =
                selectedBefore.isPresent() ? selectedBefore.get() : session.select(mailbox, unread.name());
        Optional<UidSet> listed = mailbox.cursor().isEmpty() ? Optional.of(begin(mailbox, selected)) : Optional.empty();
        catchUp(mailbox, selected, unread.missing());
        backfill(mailbox, selected, listed);
        retry(mailbox);
        session.publishUnsolicited();
    }

    /**
     * The numbers of the first SELECT are the cursor until everything below them has been read (RFC 7162 section 6); but a UIDNEXT that is lower
     * than what is listed is wrong. Returns what is listed.
     */
    private UidSet begin(ImapMailbox mailbox, SelectedMailbox selected) throws InterruptedException {
        UidSet listed = selected.messages() == 0 ? UidSet.EMPTY : listed(mailbox, selected);
        long uidNext = Math.max(selected.uidNext().orElse(1), listed.isEmpty() ? 1 : listed.last() + 1);
        mailbox.flagChecks().initialSyncBegan(pass.now());
        Cursor.Imap cursor = new Cursor.Imap(
                selected.uidValidity().orElse(0),
                uidNext,
                ImapStates.boxed(selected.highestModSeq()),
                selected.messages() == 0 ? 1 : Math.max(1, uidNext));
        session.publishCursor(mailbox, cursor);
        return listed;
    }

    /** @throws ServerException {@code Rejected} if nothing is listed although there are messages: silence is no evidence */
    private UidSet listed(ImapMailbox mailbox, SelectedMailbox selected) throws InterruptedException {
        UidSet listed = session.listed(selected);
        if (listed.isEmpty() && selected.messages() > 0 && session.connection().messages() != 0) {
            throw new ServerException(new ServerFailure.Rejected(
                    "NO", "the mailbox holds " + selected.messages() + " messages and lists none of them"));
        }
        if (!listed.isEmpty()) {
            mailbox.listedUpTo(listed.last());
        }
        return listed;
    }

    /** The end of what is to be read, by UIDNEXT and by what was listed, whichever is higher. */
    private long uidNext(ImapMailbox mailbox, SelectedMailbox selected) throws InterruptedException {
        long cursor = mailbox.cursor().orElseThrow().uidNext();
        long hint = selected.uidNext().orElse(0);
        if (hint < cursor && selected.messages() > 0) {
            // None, or a wrong one.
            listed(mailbox, selected);
        }
        return Math.max(hint, mailbox.highestListed().orElse(0) + 1);
    }

    /** What arrived since the cursor, the oldest first: the cursor rises with it. */
    private void catchUp(ImapMailbox mailbox, SelectedMailbox selected, UidSet missing) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor().orElseThrow();
        if (!missing.isEmpty()) {
            readMissing(mailbox, missing);
        }
        long uidNext = uidNext(mailbox, selected);
        if (uidNext <= cursor.uidNext()) {
            return;
        }
        UidSet span = UidSet.between(cursor.uidNext(), uidNext);
        // There may be large gaps between UIDs: a long span is reduced to the UIDs that exist, a short one is fetched
        // as it is.
        boolean whole = span.size() <= WINDOW_MESSAGES;
        OptionalLong arrived = whole && mailbox.known().isPresent()
                ? OptionalLong.of(selected.messages() - mailbox.known().getAsLong())
                : OptionalLong.empty();
        UidSet existing = whole ? span : span.and(listed(mailbox, selected));
        UidSet rest = existing;
        while (!rest.isEmpty()) {
            UidSet window = rest.lowest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            mailbox.knowsMore(reader.read(mailbox, window, arrived).size());
            raiseCursor(mailbox, rest.isEmpty() ? uidNext : window.last() + 1);
        }
        if (existing.isEmpty()) {
            raiseCursor(mailbox, uidNext);
        }
        if (mailbox.isBackfilled() && selected.messages() > mailbox.known().orElse(Long.MAX_VALUE)) {
            // EXISTS promises more than UIDNEXT: the next pass compares.
            session.requestAnotherPass();
        }
    }

    /** What could not be read before, and is due. Last, because it may break the connection. */
    private void retry(ImapMailbox mailbox) throws InterruptedException {
        UidSet due = mailbox.notRead().due(pass.now()).lowest(RETRIES_MAX);
        if (!due.isEmpty()) {
            reader.retry(mailbox, due);
        }
    }

    private void raiseCursor(ImapMailbox mailbox, long uidNext) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor().orElseThrow();
        session.publishCursor(
                mailbox, new Cursor.Imap(cursor.uidValidity(), uidNext, cursor.highestModSeq(), cursor.backfillUid()));
    }

    /** What existed before the initial sync, the newest first: users want to see today's mail. */
    private void backfill(ImapMailbox mailbox, SelectedMailbox selected, Optional<UidSet> listed)
            throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor().orElseThrow();
        if (cursor.backfilled()) {
            return;
        }
        UidSet all = listed.isPresent() ? listed.get() : listed(mailbox, selected);
        UidSet rest = UidSet.between(1, cursor.backfillUid()).and(all);
        while (!rest.isEmpty()) {
            UidSet window = rest.highest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            mailbox.knowsMore(reader.read(mailbox, window, OptionalLong.empty()).size());
            lowerBackfill(mailbox, rest.isEmpty() ? 1 : window.first());
        }
        if (!mailbox.isBackfilled()) {
            lowerBackfill(mailbox, 1);
        }
        // The cursor holds the mod-sequence of the beginning: the next pass finds what changed since.
        session.requestAnotherPass();
    }

    private void lowerBackfill(ImapMailbox mailbox, long backfillUid) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor().orElseThrow();
        session.publishCursor(
                mailbox, new Cursor.Imap(cursor.uidValidity(), cursor.uidNext(), cursor.highestModSeq(), backfillUid));
    }

    /** Messages that are listed but not stored. */
    private void readMissing(ImapMailbox mailbox, UidSet missing) throws InterruptedException {
        UidSet rest = missing;
        while (!rest.isEmpty()) {
            UidSet window = rest.lowest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            mailbox.knowsMore(reader.read(mailbox, window, OptionalLong.empty()).size());
        }
    }
}
