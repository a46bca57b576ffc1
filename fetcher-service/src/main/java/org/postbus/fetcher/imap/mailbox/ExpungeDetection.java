package org.postbus.fetcher.imap.mailbox;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jboss.logging.Logger;
import org.postbus.kit.concurrent.BoundedPull;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.session.MailboxChange;
import org.postbus.observation.Cursor;

/**
 * Finds the known messages that vanished from a mailbox, and counts those that are left. Nothing is published as vanished because of an
 * answer that is refused, empty or shorter than EXISTS.
 */
public final class ExpungeDetection {
    private static final Logger LOG = Logger.getLogger(ExpungeDetection.class);

    /** Of more messages that vanished at once the search is believed: another client emptied the mailbox. */
    private static final int VANISHED_ASKED_MAX = 1000;

    private final ImapPassContext pass;

    public ExpungeDetection(ImapPassContext pass) {
        this.pass = pass;
    }

    /** The UIDs that are stored for the mailbox. */
    public UidSet storedUids(ImapMailbox mailbox, Cursor.Imap cursor) throws InterruptedException {
        return pass.stored().uids(mailbox.key(), cursor.uidValidity());
    }

    /** Whether counting proves that no known message vanished. */
    boolean noneVanished(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected) {
        return MailboxWork.noneVanished(
                cursor, mailbox.known(), OptionalLong.of(selected.messages()), selected.uidNext());
    }

    /** Publishes those of the UIDs that are known: the server may also name UIDs that never existed. */
    void publishVanished(ImapMailbox mailbox, Cursor.Imap cursor, UidSet vanished, SelectedMailbox selected)
            throws InterruptedException {
        if (vanished.isEmpty()) {
            return;
        }
        pass.out().awaitApplied();
        UidSet stored = storedUids(mailbox, cursor);
        pass.session()
                .publishVanished(
                        mailbox,
                        cursor.uidValidity(),
                        stored.or(mailbox.notRead().uids()).and(vanished));
        mailbox.notRead().remove(vanished::contains);
        count(mailbox, cursor, stored.minus(vanished), selected);
    }

    /**
     * Compares the stored UIDs with the server's. The stored ones are read first, and only after the writer has applied everything that was
     * sent: a message that arrives in between is then in the server's list only and does not look vanished.
     *
     * @return messages that have been read according to the cursor, that the server lists and that are not stored
     */
    public UidSet compareUids(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected)
            throws InterruptedException {
        MailboxSession session = pass.session();
        pass.out().awaitApplied();
        UidSet stored = storedUids(mailbox, cursor);
        UidSet listed = session.listed(selected);
        if (!listed.isEmpty()) {
            mailbox.listedUpTo(listed.last());
        }
        List<MailboxChange> changes = session.connection().takeChanges();
        boolean expungedMeanwhile = changes.stream()
                .anyMatch(change -> change instanceof MailboxChange.Expunged
                        || change instanceof MailboxChange.Vanished
                        || change instanceof MailboxChange.TooMany);
        UidSet unread = mailbox.notRead().uids();
        UidSet missing = listed.and(ImapStates.read(cursor)).minus(stored).minus(unread);
        if (listed.size() < selected.messages() - expunged(changes, stored.or(unread))) {
            // EXISTS promises more messages than the search lists. Whatever is wrong on the server, no mail may be lost
            // because of it.
            LOG.warnf(
                    "account %s: a mailbox of %d messages lists only %d of them; none is considered expunged",
                    pass.account(), selected.messages(), listed.size());
            mailbox.countIsUncertain();
            if (expungedMeanwhile) {
                session.requestAnotherPass();
            }
            return missing;
        }
        UidSet vanished = selected.messages() == 0
                ? stored.or(unread).minus(listed)
                : reallyVanished(mailbox, stored.or(unread).minus(listed));
        session.publishVanished(mailbox, cursor.uidValidity(), vanished);
        mailbox.notRead().remove(uid -> vanished.contains(uid) || stored.contains(uid));
        count(mailbox, cursor, stored.minus(vanished), selected);
        if (expungedMeanwhile) {
            mailbox.countIsUncertain();
            session.requestAnotherPass();
        }
        return missing;
    }

    /** How many messages were expunged by these changes at most. If some changes were dropped, it is not known: the next pass compares again. */
    private static long expunged(List<MailboxChange> changes, UidSet stored) {
        long expunged = 0;
        for (MailboxChange change : changes) {
            expunged += switch (change) {
                case MailboxChange.Expunged one -> 1;
                case MailboxChange.Vanished(var uids, boolean earlier) ->
                    UidSet.of(uids).and(stored).size();
                case MailboxChange.Exists exists -> 0;
                case MailboxChange.FlagsReported flags -> 0;
                case MailboxChange.TooMany unknown -> 0;
            };
        }
        return expunged;
    }

    /** A search may leave messages out; those that the server returns when it is asked for them have not vanished. */
    private UidSet reallyVanished(ImapMailbox mailbox, UidSet notListed) throws InterruptedException {
        if (notListed.isEmpty() || notListed.size() > VANISHED_ASKED_MAX) {
            return notListed;
        }
        Set<Long> returned = new HashSet<>();
        try (BoundedPull<FetchedMessage> messages = pass.session().fetch(notListed, FetchItems.of(FetchItems.FLAGS))) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                returned.add(next.get().uid());
            }
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
            // Nothing follows from a refusal: the server may be in trouble. The next pass asks again.
            mailbox.countIsUncertain();
            return UidSet.EMPTY;
        }
        return notListed.minus(UidSet.ofUids(returned));
    }

    /**
     * What an interrupted pass has stored beyond its cursor is read again as new mail. Of that only what still exists then is counted, so the
     * number is not certain until it has been compared with the server's once more. What an interrupted initial sync has stored below its cursor
     * is read and counted again too.
     *
     * @param present stored, and on the server as well
     */
    private void count(ImapMailbox mailbox, Cursor.Imap cursor, UidSet present, SelectedMailbox selected) {
        boolean beyond = !present.isEmpty() && present.last() >= cursor.uidNext();
        if (!beyond) {
            UidSet later = UidSet.between(1, cursor.backfillUid());
            mailbox.knows(present.minus(later).size()
                    + mailbox.notRead().uids().minus(later).size());
            return;
        }
        mailbox.countIsUncertain();
        if (selected.uidNext().orElse(Long.MAX_VALUE) > cursor.uidNext()) {
            pass.session().requestAnotherPass();
        }
    }
}
