package org.postbus.observation;

import java.util.Objects;
import java.util.Optional;
import org.postbus.model.MailboxRole;

/**
 * A mailbox as the server describes it.
 *
 * @param renamedFrom the mailbox's former key, if the key is the name and the fetcher detected a rename
 * @param rawName the IMAP name as the server sent it, for commands; empty for JMAP
 * @param name the last part of the name, decoded, for display
 * @param parent the mailbox above it; empty if the server lists none
 * @param selectable whether it can hold emails: false for {@code \Noselect} and {@code \NonExistent} (RFC 9051 section 7.3.1)
 * @param totalEmails as the server counts them: a hint
 * @param unreadEmails as the server counts them: a hint
 */
public record ObservedMailbox(
        MailboxKey key,
        Optional<MailboxKey> renamedFrom,
        Optional<String> rawName,
        String name,
        Optional<MailboxKey> parent,
        Optional<MailboxRole> role,
        long sortOrder,
        boolean isSubscribed,
        boolean selectable,
        long totalEmails,
        long unreadEmails) {
    public ObservedMailbox {
        Objects.requireNonNull(key);
        Objects.requireNonNull(renamedFrom);
        Objects.requireNonNull(rawName);
        Objects.requireNonNull(name);
        Objects.requireNonNull(parent);
        Objects.requireNonNull(role);
    }

    /** The same mailbox with other numbers. */
    public ObservedMailbox withCounts(long total, long unread) {
        return new ObservedMailbox(
                key, renamedFrom, rawName, name, parent, role, sortOrder, isSubscribed, selectable, total, unread);
    }
}
