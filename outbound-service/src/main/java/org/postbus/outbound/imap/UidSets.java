package org.postbus.outbound.imap;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import org.postbus.observation.UidRange;

/** Cuts UIDs into sets that one command may carry. */
final class UidSets {
    /** Yahoo's MESSAGELIMIT, the lowest known; also the most that one NO can spoil. */
    static final int UIDS_MAX = 1000;
    /** Exchange takes commands of 10,240 octets; a range with its comma has up to 22. */
    static final int RANGES_MAX = 400;

    private UidSets() {}

    /** Ascending; neighbours become ranges. */
    static List<List<Long>> chunks(Collection<Long> uids) {
        List<List<Long>> chunks = new ArrayList<>();
        List<Long> chunk = new ArrayList<>();
        int ranges = 0;
        long previous = -1;
        for (long uid : new TreeSet<>(uids)) {
            boolean newRange = uid != previous + 1;
            if (chunk.size() == UIDS_MAX || (newRange && ranges == RANGES_MAX)) {
                chunks.add(List.copyOf(chunk));
                chunk.clear();
                ranges = 0;
                newRange = true;
            }
            ranges += newRange ? 1 : 0;
            chunk.add(uid);
            previous = uid;
        }
        if (!chunk.isEmpty()) {
            chunks.add(List.copyOf(chunk));
        }
        return chunks;
    }

    static List<UidRange> ranges(Collection<Long> uids) {
        List<UidRange> ranges = new ArrayList<>();
        long first = -1;
        long last = -1;
        for (long uid : new TreeSet<>(uids)) {
            if (first < 0) {
                first = uid;
            } else if (uid != last + 1) {
                ranges.add(new UidRange(first, last));
                first = uid;
            }
            last = uid;
        }
        if (first >= 0) {
            ranges.add(new UidRange(first, last));
        }
        return ranges;
    }
}
