package org.postbus.mail.imap.grammar;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The answer to SELECT or EXAMINE (RFC 9051 section 6.3.2).
 *
 * @param messages EXISTS
 * @param uidValidity empty where the server sends none, against the RFC, or 0: UIDs then have no meaning in a later
 *     session
 * @param highestModSeq empty where the mailbox has no mod-sequences (NOMODSEQ, 0, no CONDSTORE)
 * @param permanentFlags the flags that may be stored; {@code \*} in it means any keyword. Empty where the server does
 *     not say: then all flags may
 * @param mailboxId RFC 8474
 */
public record SelectedMailbox(
        MailboxName name,
        boolean readOnly,
        long messages,
        OptionalLong uidValidity,
        OptionalLong uidNext,
        OptionalLong highestModSeq,
        Optional<Set<ImapFlag>> permanentFlags,
        Optional<String> mailboxId) {
    public SelectedMailbox {
        Objects.requireNonNull(name);
        Objects.requireNonNull(uidValidity);
        Objects.requireNonNull(uidNext);
        Objects.requireNonNull(highestModSeq);
        permanentFlags = permanentFlags.map(Set::copyOf);
        Objects.requireNonNull(mailboxId);
    }

    /** Whether a flag is kept beyond the session. */
    public boolean canStore(ImapFlag flag) {
        return permanentFlags
                .map(flags -> flags.contains(flag) || (!flag.isSystem() && flags.contains(ImapFlag.ANY_KEYWORD)))
                .orElse(true);
    }
}
