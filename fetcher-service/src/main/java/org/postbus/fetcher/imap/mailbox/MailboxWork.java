package org.postbus.fetcher.imap.mailbox;

import java.util.Optional;
import java.util.OptionalLong;
import org.postbus.event.Cursor;
import org.postbus.mail.imap.grammar.MailboxStatus;

/** What a pass has to do in one mailbox, decided from its STATUS: most often nothing, and then it is not even selected. */
public sealed interface MailboxWork {

    /** Everything is as it was. */
    record Nothing() implements MailboxWork {}

    /** The server renumbered the mailbox: all links are void, and everything is read again. */
    record Renumbered(long uidValidity) implements MailboxWork {}

    /** The mailbox is being read for the first time and goes on where it stopped; nothing older is looked at before. */
    record FirstRun() implements MailboxWork {}

    /**
     * @param lookBack whether messages that are known may have changed or gone
     * @param arrivals whether there are new ones
     */
    record CatchUp(boolean lookBack, boolean arrivals) implements MailboxWork {}

    /**
     * @param known how many messages below the cursor's UIDNEXT are known; empty if that is not certain
     * @param suspicion something else than the numbers says that flags may differ: IDLE, the unseen count, or that it was
     *     long ago that they were compared. Only asked where there are no mod-sequences
     */
    static MailboxWork of(
            Optional<Cursor.Imap> cursor, OptionalLong known, MailboxStatus status, boolean suspicion, boolean full) {
        if (cursor.isEmpty()) {
            return new FirstRun();
        }
        Cursor.Imap at = cursor.get();
        if (status.uidValidity().isPresent() && status.uidValidity().getAsLong() != at.uidValidity()) {
            return new Renumbered(status.uidValidity().getAsLong());
        }
        if (!at.backfilled()) {
            return new FirstRun();
        }
        boolean arrivals = status.uidNext().isEmpty() || status.uidNext().getAsLong() > at.uidNext();
        boolean lookBack = full
                || flagsMayDiffer(at, status, suspicion)
                || !nothingVanished(at, known, status.messages(), status.uidNext());
        return lookBack || arrivals ? new CatchUp(lookBack, arrivals) : new Nothing();
    }

    private static boolean flagsMayDiffer(Cursor.Imap at, MailboxStatus status, boolean suspicion) {
        if (at.highestModSeq().isPresent() && status.highestModSeq().isPresent()) {
            return at.highestModSeq().get() != status.highestModSeq().getAsLong();
        }
        // A mailbox that has begun to keep mod-sequences is compared once, and from then on they tell.
        return suspicion
                || at.highestModSeq().isEmpty() && status.highestModSeq().isPresent();
    }

    /**
     * Proves by counting that no known message has gone: of n new UIDs at most n messages are there, so if the mailbox has
     * grown by n, all of them are and nothing else is missing.
     */
    static boolean nothingVanished(Cursor.Imap at, OptionalLong known, OptionalLong messages, OptionalLong uidNext) {
        return known.isPresent()
                && messages.isPresent()
                && uidNext.isPresent()
                && messages.getAsLong() - known.getAsLong() == uidNext.getAsLong() - at.uidNext();
    }
}
