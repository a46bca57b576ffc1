package org.postbus.observation;

import java.util.Objects;
import java.util.Optional;
import org.postbus.model.MailboxRole;

/**
 * A mailbox as the server describes it.
 *
 * @param renamedFrom the key it had before, where the server's key is its name and the fetcher recognised the rename
 * @param rawName the IMAP name as the server sent it, for commands; empty for JMAP
 * @param name the last part of the name, decoded, for people
 * @param parent the mailbox above it, if there is one that is listed
 * @param selectable whether it can hold emails (false for {@code \Noselect} and {@code \NonExistent})
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
}
