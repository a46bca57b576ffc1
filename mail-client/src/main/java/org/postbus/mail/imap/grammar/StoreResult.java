package org.postbus.mail.imap.grammar;

import java.util.List;
import java.util.Map;
import org.postbus.observation.UidRange;

/**
 * The result of UID STORE.
 *
 * @param modified messages that were not changed because they had been changed after {@code unchangedSince} (RFC 7162
 *     section 3.1.3)
 * @param modSeqs the new mod-sequence by UID, where the server reports it
 */
public record StoreResult(List<UidRange> modified, Map<Long, Long> modSeqs) {
    public StoreResult {
        modified = List.copyOf(modified);
        modSeqs = Map.copyOf(modSeqs);
    }
}
