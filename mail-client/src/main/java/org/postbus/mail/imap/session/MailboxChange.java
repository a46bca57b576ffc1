package org.postbus.mail.imap.session;

import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.observation.UidRange;

/**
 * What the server said about the selected mailbox without being asked, in the order in which it said it. It says each
 * thing once: who does not act on a {@link Vanished} will not hear of it again in the next CHANGEDSINCE.
 */
public sealed interface MailboxChange {

    /** The number of messages, EXISTS. */
    record Exists(long messages) implements MailboxChange {}

    /**
     * VANISHED (RFC 7162 section 3.2.10): a predicate, it may name UIDs that never were.
     *
     * @param earlier before this session, rather than now
     */
    record Vanished(List<UidRange> uids, boolean earlier) implements MailboxChange {
        public Vanished {
            uids = List.copyOf(uids);
        }
    }

    /** EXPUNGE, from a server without QRESYNC: some message is gone, which one only a comparison of UIDs can tell. */
    record Expunged(long sequenceNumber) implements MailboxChange {}

    /** The flags of a message; without its UID from servers that leave it out. */
    record FlagsReported(long sequenceNumber, OptionalLong uid, Set<ImapFlag> flags, OptionalLong modSeq)
            implements MailboxChange {
        public FlagsReported {
            flags = Set.copyOf(flags);
        }
    }

    /** More was said than is kept between two calls: compare everything. */
    record TooMany() implements MailboxChange {}
}
