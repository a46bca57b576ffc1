package org.postbus.fetcher.imap.mailbox;

import java.util.Optional;
import org.postbus.mail.imap.grammar.MailboxStatus;

/** The numbers of a mailbox's STATUS that change when messages are added to it or removed from it. */
public record StatusNumbers(long uidValidity, long uidNext, long messages) {

    public static Optional<StatusNumbers> of(MailboxStatus status) {
        return status.uidValidity().isPresent()
                        && status.uidNext().isPresent()
                        && status.messages().isPresent()
                ? Optional.of(new StatusNumbers(
                        status.uidValidity().getAsLong(),
                        status.uidNext().getAsLong(),
                        status.messages().getAsLong()))
                : Optional.empty();
    }

    /** Whether since {@code before} messages were only added or only removed. A message that is added gets a UID. */
    public boolean onlyGrewOrShrank(StatusNumbers before) {
        return uidValidity == before.uidValidity
                && (uidNext == before.uidNext || uidNext - before.uidNext == messages - before.messages);
    }
}
