package org.postbus.writer.decide;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.postbus.model.AccountId;
import org.postbus.observation.UidRange;
import org.postbus.writer.decide.StoredEmail.Link;
import org.postbus.writer.decide.StoredEmail.Place;

/**
 * Links of one mailbox, as a predicate: they may be millions.
 *
 * @param uids sorted, without overlaps
 * @param under only links under this UIDVALIDITY
 * @param notUnder only links under any other UIDVALIDITY
 */
public record LinkSelection(UUID mailboxId, List<UidRange> uids, Optional<Long> under, Optional<Long> notUnder) {
    private static final long UID_MAX = 0xFFFF_FFFFL;

    public static LinkSelection of(UUID mailboxId) {
        return new LinkSelection(mailboxId, List.of(), Optional.empty(), Optional.empty());
    }

    public static LinkSelection under(UUID mailboxId, long uidValidity, List<UidRange> uids) {
        return new LinkSelection(mailboxId, merged(uids), Optional.of(uidValidity), Optional.empty());
    }

    public static LinkSelection notUnder(UUID mailboxId, long uidValidity) {
        return new LinkSelection(mailboxId, List.of(), Optional.empty(), Optional.of(uidValidity));
    }

    public boolean contains(Map.Entry<Place, Link> entry) {
        long uid = entry.getKey().uid();
        long uidValidity = entry.getValue().uidValidity();
        return entry.getKey().mailboxId().equals(mailboxId)
                && (wholeMailbox() || uids.stream().anyMatch(range -> range.first() <= uid && uid <= range.last()))
                && under.filter(wanted -> wanted != uidValidity).isEmpty()
                && notUnder.filter(unwanted -> unwanted == uidValidity).isEmpty();
    }

    /** $1 to $6 of the statements that use it: account, mailbox, first and last UIDs, UIDVALIDITY wanted and not wanted. */
    public Object[] parameters(AccountId account) {
        Long[] first = wholeMailbox()
                ? new Long[] {0L}
                : uids.stream().map(UidRange::first).toArray(Long[]::new);
        Long[] last = wholeMailbox()
                ? new Long[] {UID_MAX}
                : uids.stream().map(UidRange::last).toArray(Long[]::new);
        return new Object[] {account.value(), mailboxId, first, last, under.orElse(null), notUnder.orElse(null)};
    }

    private boolean wholeMailbox() {
        return under.isEmpty();
    }

    /** Ranges that touch or overlap become one: a link must not be met twice. */
    static List<UidRange> merged(List<UidRange> ranges) {
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
