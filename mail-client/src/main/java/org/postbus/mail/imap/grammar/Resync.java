package org.postbus.mail.imap.grammar;

import java.util.List;
import org.postbus.observation.UidRange;

/**
 * The known state of a mailbox that is selected again with QRESYNC (RFC 7162 section 3.2.5).
 *
 * @param modSeq HIGHESTMODSEQ as of the last complete sync, at least 1: a mailbox that had none (0, NOMODSEQ) has no
 *     baseline to resynchronise from
 * @param knownUids the server may leave out of VANISHED what is not in this set; empty: everything below UIDNEXT. Only
 *     a hint: a set that is too long for a command is not sent
 */
public record Resync(long uidValidity, long modSeq, List<UidRange> knownUids) {
    public Resync {
        if (uidValidity < 1 || uidValidity > UidSet.UID_MAX) {
            throw new IllegalArgumentException("UIDVALIDITY has 32 bits and is not 0: " + uidValidity);
        }
        if (modSeq < 1) {
            throw new IllegalArgumentException("no baseline: " + modSeq);
        }
        knownUids = UidSet.of(knownUids).ranges();
    }
}
