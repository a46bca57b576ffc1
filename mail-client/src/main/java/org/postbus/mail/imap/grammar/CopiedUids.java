package org.postbus.mail.imap.grammar;

import java.util.List;
import org.postbus.observation.UidRange;

/**
 * Where messages were copied or moved to: COPYUID (RFC 4315). The n-th UID of {@code sources} became the n-th of
 * {@code targets}; ranges are in the server's order, which need not be ascending. A response whose two sides differ in
 * length is ignored.
 */
public record CopiedUids(long uidValidity, List<UidRange> sources, List<UidRange> targets) {
    public CopiedUids {
        sources = List.copyOf(sources);
        targets = List.copyOf(targets);
    }
}
