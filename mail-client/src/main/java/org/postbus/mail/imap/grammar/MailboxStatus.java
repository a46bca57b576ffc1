package org.postbus.mail.imap.grammar;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * STATUS of a mailbox, which need not be selected (RFC 9051 section 6.3.11). Servers leave items out.
 *
 * @param highestModSeq empty also where the server sends 0 or NOMODSEQ: the mailbox then has no mod-sequences (RFC
 *     7162)
 * @param mailboxId RFC 8474
 */
public record MailboxStatus(
        OptionalLong messages,
        OptionalLong unseen,
        OptionalLong uidNext,
        OptionalLong uidValidity,
        OptionalLong highestModSeq,
        Optional<String> mailboxId) {
    public MailboxStatus {
        Objects.requireNonNull(messages);
        Objects.requireNonNull(unseen);
        Objects.requireNonNull(uidNext);
        Objects.requireNonNull(uidValidity);
        Objects.requireNonNull(highestModSeq);
        Objects.requireNonNull(mailboxId);
    }
}
