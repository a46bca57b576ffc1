package org.postbus.mail.imap.grammar;

import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.model.MailboxRole;

/**
 * One mailbox of LIST.
 *
 * @param delimiter separates the levels of the name; empty where names are flat
 * @param attributes as sent, in lower case and with their backslash: {@code \hasnochildren}, {@code \sent}
 * @param role from the attributes of RFC 6154 and RFC 8457, and INBOX; never guessed from the name
 * @param selectable false for {@code \Noselect} and {@code \NonExistent}
 * @param subscribed false where the server does not report it
 * @param status empty where the mailbox cannot be selected or the server refuses STATUS
 */
public record ListedMailbox(
        MailboxName name,
        Optional<Character> delimiter,
        Set<String> attributes,
        Optional<MailboxRole> role,
        boolean selectable,
        boolean subscribed,
        Optional<MailboxStatus> status) {
    public ListedMailbox {
        Objects.requireNonNull(name);
        Objects.requireNonNull(delimiter);
        attributes = Set.copyOf(attributes);
        Objects.requireNonNull(role);
        Objects.requireNonNull(status);
    }
}
