package org.postbus.mail.imap.session;

import java.util.Objects;
import java.util.Optional;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;

/**
 * What the server reports unasked about mailboxes that are not selected, while NOTIFY is in force (RFC 5465). It is a
 * hint which mailboxes to sync: several changes of one mailbox arrive as one, and the numbers may be outdated.
 */
public sealed interface AccountChange {

    /**
     * STATUS: messages arrived, were expunged, or changed.
     *
     * @param status may hold only what changed
     */
    record Dirty(MailboxName name, MailboxStatus status) implements AccountChange {
        public Dirty {
            Objects.requireNonNull(name);
            Objects.requireNonNull(status);
        }
    }

    /**
     * LIST: the mailbox was created, renamed, subscribed, unsubscribed, or, with {@code \nonexistent} among its
     * attributes, deleted.
     */
    record Listed(ListedMailbox mailbox, Optional<MailboxName> oldName) implements AccountChange {
        public Listed {
            Objects.requireNonNull(mailbox);
            Objects.requireNonNull(oldName);
        }
    }

    /**
     * Changes were lost, at the server (NOTIFICATIONOVERFLOW) or here: sync every mailbox. If NOTIFY is no longer in
     * force, the server reports nothing more until it is requested again.
     */
    record TooMany() implements AccountChange {}
}
