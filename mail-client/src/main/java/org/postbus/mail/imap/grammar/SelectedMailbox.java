package org.postbus.mail.imap.grammar;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What SELECT or EXAMINE says (RFC 9051 section 6.3.2).
 *
 * @param messages EXISTS
 * @param uidValidity empty where the server breaks the rule to give one, or says 0: UIDs then mean nothing later
 * @param highestModSeq empty where the mailbox keeps no mod-sequences (NOMODSEQ, 0, no CONDSTORE)
 * @param permanentFlags what may be stored; {@code \*} in it means any keyword. Empty where the server does not say: then
 *     all flags may
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

    /** Whether a flag lasts longer than the session. */
    public boolean canStore(ImapFlag flag) {
        return permanentFlags
                .map(flags -> flags.contains(flag) || (!flag.isSystem() && flags.contains(ImapFlag.ANY_KEYWORD)))
                .orElse(true);
    }
}
