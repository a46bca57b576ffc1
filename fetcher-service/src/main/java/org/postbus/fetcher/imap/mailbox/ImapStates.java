package org.postbus.fetcher.imap.mailbox;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.model.Keyword;
import org.postbus.observation.Cursor;
import org.postbus.observation.EmailRef;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.EmailStateObserved;

/** What can change of a message, as observations. {@code \Deleted} is no keyword: such a message stays until it is expunged. */
public final class ImapStates {
    private ImapStates() {}

    /**
     * @param mailboxes the mailboxes in which it is shown, {@code mailbox} among them
     * @param message with its flags
     */
    public static EmailStateObserved state(
            MailboxKey mailbox, long uidValidity, Set<MailboxKey> mailboxes, FetchedMessage message) {
        return new EmailStateObserved(
                new EmailRef.ImapMessage(mailbox, uidValidity, message.uid()),
                mailboxes,
                keywords(message),
                boxed(message.modSeq()));
    }

    static EmailStateObserved state(
            MailboxKey mailbox, long uidValidity, long uid, Set<Keyword> keywords, OptionalLong modSeq) {
        return new EmailStateObserved(
                new EmailRef.ImapMessage(mailbox, uidValidity, uid), Set.of(mailbox), keywords, boxed(modSeq));
    }

    /** The UIDs of the messages that have been read according to the cursor. */
    static UidSet read(Cursor.Imap cursor) {
        return UidSet.between(Math.max(1, cursor.backfillUid()), cursor.uidNext());
    }

    public static Set<Keyword> keywords(FetchedMessage message) {
        return ImapFlag.keywords(message.flags().orElse(Set.of()));
    }

    public static Optional<Long> boxed(OptionalLong value) {
        return value.isPresent() ? Optional.of(value.getAsLong()) : Optional.empty();
    }
}
