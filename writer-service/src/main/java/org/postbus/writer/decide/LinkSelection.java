package org.postbus.writer.decide;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.postbus.observation.UidRange;
import org.postbus.writer.decide.StoredEmail.Link;
import org.postbus.writer.decide.StoredEmail.Location;

/**
 * A predicate that selects links of one mailbox. It is evaluated in SQL where possible, because a mailbox may have millions of links.
 *
 * @param uids sorted, without overlaps; ignored if the whole mailbox is selected
 * @param under only links under this UIDVALIDITY
 * @param notUnder only links under any other UIDVALIDITY
 */
public record LinkSelection(UUID mailboxId, List<UidRange> uids, Optional<Long> under, Optional<Long> notUnder) {

    /** All links of the mailbox. */
    public static LinkSelection all(UUID mailboxId) {
        return new LinkSelection(mailboxId, List.of(), Optional.empty(), Optional.empty());
    }

    /** The links of these UIDs under one UIDVALIDITY. */
    public static LinkSelection of(UUID mailboxId, long uidValidity, List<UidRange> uids) {
        return new LinkSelection(mailboxId, merged(uids), Optional.of(uidValidity), Optional.empty());
    }

    /** All links that are not under this UIDVALIDITY. */
    public static LinkSelection notUnder(UUID mailboxId, long uidValidity) {
        return new LinkSelection(mailboxId, List.of(), Optional.empty(), Optional.of(uidValidity));
    }

    public boolean isWholeMailbox() {
        return under.isEmpty();
    }

    public boolean contains(Map.Entry<Location, Link> entry) {
        long uid = entry.getKey().uid();
        long uidValidity = entry.getValue().uidValidity();
        return entry.getKey().mailboxId().equals(mailboxId)
                && (isWholeMailbox() || uids.stream().anyMatch(range -> range.first() <= uid && uid <= range.last()))
                && under.filter(selected -> selected != uidValidity).isEmpty()
                && notUnder.filter(excluded -> excluded == uidValidity).isEmpty();
    }

    /** Joins ranges that touch or overlap, so that no link is selected twice. */
    private static List<UidRange> merged(List<UidRange> ranges) {
        List<UidRange> merged = new ArrayList<>();
        for (UidRange range : ranges.stream()
                .sorted(Comparator.comparingLong(UidRange::first))
                .toList()) {
            UidRange before = merged.isEmpty() ? null : merged.getLast();
            if (before != null && range.first() <= before.last() + 1) {
                merged.set(merged.size() - 1, new UidRange(before.first(), Math.max(before.last(), range.last())));
            } else {
                merged.add(range);
            }
        }
        return merged;
    }
}
