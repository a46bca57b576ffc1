package org.postbus.mail.imap.grammar;

import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.observation.UidRange;

/** What {@link ImapConnection#resync} brings, in the server's order; {@link Selected} once, as the last. */
public sealed interface Resynced {

    /** VANISHED (RFC 7162 section 3.2.10): a predicate, it may name UIDs that never were and span all of them. */
    record Vanished(List<UidRange> uids) implements Resynced {
        public Vanished {
            uids = List.copyOf(uids);
        }
    }

    /** A message that is new or whose flags changed since; all its flags. */
    record StateReported(long uid, Set<ImapFlag> flags, OptionalLong modSeq) implements Resynced {
        public StateReported {
            flags = Set.copyOf(flags);
        }
    }

    /**
     * The mailbox is open. Only now may {@link SelectedMailbox#highestModSeq} be kept (RFC 7162 section 6), once all that
     * came before is.
     *
     * @param complete whether what came before is all that happened since. False where the server has renumbered the mailbox,
     *     keeps no mod-sequences (any more), has fallen behind the one we named, or did not understand: then what came
     *     before is true but UIDs and flags must be compared
     */
    record Selected(SelectedMailbox mailbox, boolean complete) implements Resynced {}
}
