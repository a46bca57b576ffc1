package org.postbus.mail.imap.session;

import java.util.Objects;
import java.util.Optional;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;

/**
 * What the server said of mailboxes that are not selected, without being asked, after {@link ImapConnection#notifyPersonal}
 * (RFC 5465). A hint where to look: several things that happen to a mailbox come as one, and its numbers are of the moment.
 */
public sealed interface AccountChange {

    /**
     * STATUS: messages came, went, or changed.
     *
     * @param status only what changed need be in it
     */
    record Dirty(MailboxName name, MailboxStatus status) implements AccountChange {
        public Dirty {
            Objects.requireNonNull(name);
            Objects.requireNonNull(status);
        }
    }

    /**
     * LIST: the mailbox was created, renamed, subscribed to or not any more, or, with {@code \nonexistent} among its
     * attributes, deleted.
     */
    record Listed(ListedMailbox mailbox, Optional<MailboxName> oldName) implements AccountChange {
        public Listed {
            Objects.requireNonNull(mailbox);
            Objects.requireNonNull(oldName);
        }
    }

    /**
     * More happened than was said (NOTIFICATIONOVERFLOW), or was said than is kept: look at every mailbox. If {@link
     * ImapConnection#notifying} is false now, the server says nothing more until it is asked again.
     */
    record TooMany() implements AccountChange {}
}
