package org.postbus.fetcher.imap;

import java.util.Optional;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapPassContext;
import org.postbus.fetcher.imap.mailbox.ImapStates;
import org.postbus.fetcher.imap.mailbox.MailboxSession;
import org.postbus.fetcher.imap.message.MessageReader;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
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
        if (mailbox.cursor().isEmpty()) {
            begin(mailbox, selected);
        }
        catchUp(mailbox, selected, unread.missing());
        backfill(mailbox);
        session.publishUnsolicited();
    }

    /** The numbers of the first SELECT are the cursor until everything below them has been read (RFC 7162 section 6). */
    private void begin(ImapMailbox mailbox, SelectedMailbox selected) throws InterruptedException {
        long uidNext = uidNext(selected);
        mailbox.flagChecks().initialSyncBegan(pass.now());
        Cursor.Imap cursor = new Cursor.Imap(
                selected.uidValidity().orElse(0),
                uidNext,
                ImapStates.boxed(selected.highestModSeq()),
                selected.messages() == 0 ? 1 : Math.max(1, uidNext));
        session.publishCursor(mailbox, cursor);
    }

    private long uidNext(SelectedMailbox selected) throws InterruptedException {
        if (selected.uidNext().isPresent()) {
            return selected.uidNext().getAsLong();
        }
        UidSet all = searchAll();
        return all.isEmpty() ? 1 : all.last() + 1;
    }

    private UidSet searchAll() throws InterruptedException {
        return UidSet.of(Await.of(
                session.connection().uidSearchAll(), MailboxSession.COMMAND_TIME_MAX, ServerException::unreachable));
    }

    /** What arrived since the cursor, the oldest first: the cursor rises with it. */
    private void catchUp(ImapMailbox mailbox, SelectedMailbox selected, UidSet missing) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor().orElseThrow();
        if (!missing.isEmpty()) {
            readMissing(mailbox, missing);
        }
        long uidNext = uidNext(selected);
        if (uidNext <= cursor.uidNext()) {
            return;
        }
        UidSet span = UidSet.between(cursor.uidNext(), uidNext);
        // There may be large gaps between UIDs: a long span is reduced to the UIDs that exist, a short one is fetched
        // as it is.
        UidSet existing = span.size() <= WINDOW_MESSAGES ? span : span.and(searchAll());
        UidSet rest = existing;
        while (!rest.isEmpty()) {
            UidSet window = rest.lowest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            mailbox.knowsMore(reader.read(mailbox, window).size());
            raiseCursor(mailbox, rest.isEmpty() ? uidNext : window.last() + 1);
        }
        if (existing.isEmpty()) {
            raiseCursor(mailbox, uidNext);
        }
    }

    private void raiseCursor(ImapMailbox mailbox, long uidNext) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor().orElseThrow();
        session.publishCursor(
                mailbox, new Cursor.Imap(cursor.uidValidity(), uidNext, cursor.highestModSeq(), cursor.backfillUid()));
    }

    /** What existed before the initial sync, the newest first: users want to see today's mail. */
    private void backfill(ImapMailbox mailbox) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor().orElseThrow();
        if (cursor.backfilled()) {
            return;
        }
        UidSet rest = UidSet.between(1, cursor.backfillUid()).and(searchAll());
        while (!rest.isEmpty()) {
            UidSet window = rest.highest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            mailbox.knowsMore(reader.read(mailbox, window).size());
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

    /** Messages that are listed but not stored. Those that the server does not return now either are quarantined. */
    private void readMissing(ImapMailbox mailbox, UidSet missing) throws InterruptedException {
        UidSet rest = missing;
        while (!rest.isEmpty()) {
            UidSet window = rest.lowest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            reader.readListed(mailbox, window);
            mailbox.knowsMore(window.size());
        }
    }
}
