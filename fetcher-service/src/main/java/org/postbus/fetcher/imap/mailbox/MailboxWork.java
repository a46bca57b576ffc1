package org.postbus.fetcher.imap.mailbox;

import java.util.Optional;
import java.util.OptionalLong;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.observation.Cursor;

/** What a pass has to do in one mailbox, decided from its STATUS: usually nothing, and then the mailbox is not even selected. Pure. */
public sealed interface MailboxWork {

    /** Nothing has changed. */
    record Nothing() implements MailboxWork {}

    /** All stored UIDs are void, and everything is read again. */
    record UidValidityChanged(long uidValidity) implements MailboxWork {}

    /** The initial sync begins. */
    record InitialSync() implements MailboxWork {}

    /** The initial sync was interrupted: what it has read is resynced, because it may have been moved or expunged since, and then it continues. */
    record InitialSyncResumed() implements MailboxWork {}

    /**
     * @param resync whether known messages may have changed or vanished
     * @param arrivals whether there may be new ones
     */
    record CatchUp(boolean resync, boolean arrivals) implements MailboxWork {}

    /**
     * @param known how many messages below the cursor's UIDNEXT are known; empty if that is not certain
     * @param flagsDirty flags may differ for a reason other than these numbers: IDLE, the unseen count, or the time since they were
     *     compared. Considered only where there are no mod-sequences
     */
    static MailboxWork of(
            Optional<Cursor.Imap> cursor, OptionalLong known, MailboxStatus status, boolean flagsDirty, boolean full) {
        if (cursor.isEmpty()) {
            return new InitialSync();
        }
        Cursor.Imap at = cursor.get();
        if (status.uidValidity().isPresent() && status.uidValidity().getAsLong() != at.uidValidity()) {
            return new UidValidityChanged(status.uidValidity().getAsLong());
        }
        if (!at.backfilled()) {
            return new InitialSyncResumed();
        }
        // A UIDNEXT never falls (RFC 9051 section 2.3.1.1): one below the cursor's is wrong and says nothing.
        boolean arrivals = status.uidNext().isEmpty() || status.uidNext().getAsLong() != at.uidNext();
        boolean resync = full
                || flagsMayDiffer(at, status, flagsDirty)
                || !noneVanished(at, known, status.messages(), status.uidNext());
        return resync || arrivals ? new CatchUp(resync, arrivals) : new Nothing();
    }

    private static boolean flagsMayDiffer(Cursor.Imap at, MailboxStatus status, boolean flagsDirty) {
        if (at.highestModSeq().isPresent() && status.highestModSeq().isPresent()) {
            return at.highestModSeq().get() != status.highestModSeq().getAsLong();
        }
        // A mailbox that has begun to keep mod-sequences is compared once; from then on they show changes.
        return flagsDirty
                || at.highestModSeq().isEmpty() && status.highestModSeq().isPresent();
    }

    /**
     * Proves by counting that no known message has vanished: n new UIDs are at most n messages, so if the mailbox has grown by n messages, all of
     * them exist and no other is missing. Of a mailbox whose initial sync has not ended it proves nothing.
     */
    static boolean noneVanished(Cursor.Imap at, OptionalLong known, OptionalLong messages, OptionalLong uidNext) {
        return at.backfilled()
                && known.isPresent()
                && messages.isPresent()
                && uidNext.isPresent()
                && uidNext.getAsLong() >= at.uidNext()
                && messages.getAsLong() - known.getAsLong() == uidNext.getAsLong() - at.uidNext();
    }
}
