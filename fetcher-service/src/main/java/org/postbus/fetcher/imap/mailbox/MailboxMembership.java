package org.postbus.fetcher.imap.mailbox;

import java.util.Optional;
import java.util.Set;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ObservedMailbox;

/**
 * In which mailboxes a message is shown that is stored in one of them. On most servers in that one only ({@link #OWN}); on Gmail also in those
 * of its labels.
 */
public interface MailboxMembership {

    /** Whether messages are stored in the mailbox; otherwise it only shows messages of another one and is not read. */
    boolean storesMessages(ObservedMailbox mailbox);

    /** Whether messages that are stored in the mailbox have labels, which say in which other mailboxes they are shown. */
    boolean hasLabels(ObservedMailbox mailbox);

    /** The mailboxes in which a message is shown that is stored in {@code mailbox}; empty if the server did not send its labels. */
    Optional<Set<MailboxKey>> mailboxes(ObservedMailbox mailbox, FetchedMessage message);

    /** Every mailbox stores its own messages. */
    MailboxMembership OWN = new MailboxMembership() {
        @Override
        public boolean storesMessages(ObservedMailbox mailbox) {
            return true;
        }

        @Override
        public boolean hasLabels(ObservedMailbox mailbox) {
            return false;
        }

        @Override
        public Optional<Set<MailboxKey>> mailboxes(ObservedMailbox mailbox, FetchedMessage message) {
            return Optional.of(Set.of(mailbox.key()));
        }
    };
}
