package org.postbus.mail.imap.grammar;

import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.observation.UidRange;

/** One result of a resync with QRESYNC, in the server's order; {@link Selected} comes once, as the last. */
public sealed interface Resynced {
    /** About how many bytes of memory it takes. */
    default long bytes() {
        return switch (this) {
            case Vanished vanished -> 100 + 40L * vanished.uids().size();
            case StateReported state -> 100 + 64L * state.flags().size();
            case Selected selected -> 500;
        };
    }

    /** VANISHED (RFC 7162 section 3.2.10). It may name UIDs that never existed, and span all of them. */
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
     * The mailbox is selected. {@link SelectedMailbox#highestModSeq} may be stored only now (RFC 7162 section 6),
     * after everything that came before.
     *
     * @param complete whether the results before are all changes since. False where UIDVALIDITY changed, where the
     *     mailbox has no mod-sequences (any more) or has fallen behind the given one, or where a response was not
     *     understood: the results before are then true, but UIDs and flags must be compared
     */
    record Selected(SelectedMailbox mailbox, boolean complete) implements Resynced {}
}
