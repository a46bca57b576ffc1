package org.postbus.mail.imap.session;

import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.observation.UidRange;

/**
 * What the server reports unasked about the selected mailbox, in its order. It reports everything once: a {@link
 * Vanished} that is not acted upon is not repeated by the next CHANGEDSINCE.
 */
public sealed interface MailboxChange {

    /** The number of messages, EXISTS. */
    record Exists(long messages) implements MailboxChange {}

    /**
     * VANISHED (RFC 7162 section 3.2.10). It may name UIDs that never existed.
     *
     * @param earlier before this session, rather than now
     */
    record Vanished(List<UidRange> uids, boolean earlier) implements MailboxChange {
        public Vanished {
            uids = List.copyOf(uids);
        }
    }

    /** EXPUNGE, from a server without QRESYNC: some message is gone; only a comparison of UIDs shows which one. */
    record Expunged(long sequenceNumber) implements MailboxChange {}

    /** The flags of a message; without its UID from servers that leave it out. */
    record FlagsReported(long sequenceNumber, OptionalLong uid, Set<ImapFlag> flags, OptionalLong modSeq)
            implements MailboxChange {
        public FlagsReported {
            flags = Set.copyOf(flags);
        }
    }

    /** Changes were dropped because too many were not taken: compare everything. */
    record TooMany() implements MailboxChange {}
}
