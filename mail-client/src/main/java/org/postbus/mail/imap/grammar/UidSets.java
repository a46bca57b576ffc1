package org.postbus.mail.imap.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.postbus.event.UidRange;

/** Sets of UIDs, as ranges. */
public final class UidSets {
    public static final long UID_MAX = 0xFFFF_FFFFL;

    /** RFC 7162 section 4: a client should not send lines longer than 8192 octets; the rest of the command needs room too. */
    public static final int SET_OCTETS_MAX = 7_000;

    private UidSets() {}

    /** Ascending, without overlap, neighbours joined. */
    public static List<UidRange> normalize(List<UidRange> ranges) {
        List<UidRange> sorted = new ArrayList<>(ranges);
        sorted.sort(Comparator.comparingLong(UidRange::first));
        List<UidRange> joined = new ArrayList<>();
        for (UidRange range : sorted) {
            UidRange last = joined.isEmpty() ? null : joined.getLast();
            if (last != null && range.first() <= last.last() + 1) {
                joined.set(joined.size() - 1, new UidRange(last.first(), Math.max(last.last(), range.last())));
            } else {
                joined.add(range);
            }
        }
        return joined;
    }

    /** As many sets as it takes to keep each within {@link #SET_OCTETS_MAX}; in the order given. */
    public static List<List<UidRange>> split(List<UidRange> ranges) {
        return split(ranges, Long.MAX_VALUE);
    }

    /** @param uidsMax in one set; a range is cut in two where it must be */
    public static List<List<UidRange>> split(List<UidRange> ranges, long uidsMax) {
        List<List<UidRange>> sets = new ArrayList<>();
        List<UidRange> set = new ArrayList<>();
        int octets = 0;
        long uids = 0;
        for (UidRange range : ranges) {
            long first = range.first();
            while (first <= range.last()) {
                int more = digits(first) + 1 + (range.last() == first ? 0 : digits(range.last()) + 1);
                if (!set.isEmpty() && (octets + more > SET_OCTETS_MAX || uids == uidsMax)) {
                    sets.add(List.copyOf(set));
                    set.clear();
                    octets = 0;
                    uids = 0;
                }
                long last = range.last() - first < uidsMax - uids ? range.last() : first + (uidsMax - uids) - 1;
                set.add(new UidRange(first, last));
                octets += more;
                uids += last - first + 1;
                first = last + 1;
            }
        }
        if (!set.isEmpty()) {
            sets.add(List.copyOf(set));
        }
        return sets;
    }

    /** Those of them that are less than {@code uid}. */
    public static List<UidRange> below(List<UidRange> ranges, long uid) {
        List<UidRange> below = new ArrayList<>();
        for (UidRange range : ranges) {
            if (range.first() < uid) {
                below.add(new UidRange(range.first(), Math.min(range.last(), uid - 1)));
            }
        }
        return below;
    }

    /**
     * {@code sequence-set}.
     *
     * @param reading whether the end of the UID space may be written as {@code *}, which every server understands but which
     *     names the last message even if that lies before the range: never for commands that change something
     */
    public static String format(List<UidRange> ranges, boolean reading) {
        StringBuilder set = new StringBuilder();
        for (UidRange range : ranges) {
            if (!set.isEmpty()) {
                set.append(',');
            }
            set.append(range.first());
            if (range.last() != range.first()) {
                set.append(':');
                if (reading && range.last() == UID_MAX) {
                    set.append('*');
                } else {
                    set.append(range.last());
                }
            }
        }
        return set.toString();
    }

    /** @param ranges normalized */
    public static boolean contains(List<UidRange> ranges, long uid) {
        int low = 0;
        int high = ranges.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            UidRange range = ranges.get(middle);
            if (uid < range.first()) {
                high = middle - 1;
            } else if (uid > range.last()) {
                low = middle + 1;
            } else {
                return true;
            }
        }
        return false;
    }

    public static long count(List<UidRange> ranges) {
        long count = 0;
        for (UidRange range : ranges) {
            count += range.last() - range.first() + 1;
        }
        return count;
    }

    /** @param uids in any order, {@code count} of them; the array is sorted */
    public static List<UidRange> ofUids(long[] uids, int count) {
        Arrays.sort(uids, 0, count);
        List<UidRange> ranges = new ArrayList<>();
        int i = 0;
        while (i < count) {
            long first = uids[i];
            long last = first;
            i++;
            while (i < count && uids[i] <= last + 1) {
                last = uids[i++];
            }
            if (last >= 1 && last <= UID_MAX) {
                ranges.add(new UidRange(Math.max(1, first), last));
            }
        }
        return ranges;
    }

    private static int digits(long value) {
        int digits = 1;
        while (value >= 10) {
            value /= 10;
            digits++;
        }
        return digits;
    }
}
