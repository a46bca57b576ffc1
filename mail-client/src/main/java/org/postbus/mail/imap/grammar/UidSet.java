package org.postbus.mail.imap.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongConsumer;
import org.postbus.observation.UidRange;

/**
 * A set of UIDs as ranges: ascending, disjoint and not adjacent, so that a mailbox of millions is a few ranges. Immutable.
 *
 * @param ranges in any order, overlapping or not; the set holds them normalized
 */
public record UidSet(List<UidRange> ranges) {
    /** UIDs have 32 bits (RFC 9051 section 2.3.1.1). */
    public static final long UID_MAX = 0xFFFF_FFFFL;

    /**
     * Octets of a set in one command. RFC 7162 section 4: a client should not send lines longer than 8192 octets, and the rest
     * of the command needs room too.
     */
    public static final int COMMAND_OCTETS_MAX = 7_000;

    public static final UidSet EMPTY = new UidSet(List.of());
    /** Every UID that is possible. */
    public static final UidSet ALL = between(1, UID_MAX + 1);

    public UidSet {
        ranges = isNormalized(ranges) ? List.copyOf(ranges) : normalized(ranges);
    }

    public static UidSet of(List<UidRange> ranges) {
        return new UidSet(ranges);
    }

    /** @throws IllegalArgumentException if one of them cannot be a UID */
    public static UidSet ofUids(Collection<Long> uids) {
        return ofUids(uids.stream().mapToLong(Long::longValue).toArray());
    }

    /** @throws IllegalArgumentException if one of them cannot be a UID */
    public static UidSet ofUids(long... uids) {
        long[] sorted = uids.clone();
        Arrays.sort(sorted);
        return ofSorted(sorted, sorted.length);
    }

    /**
     * The UIDs that a server reported. Numbers that cannot be UIDs are left out.
     *
     * @param uids in any order, {@code count} of them; the array is sorted
     */
    public static UidSet ofReported(long[] uids, int count) {
        Arrays.sort(uids, 0, count);
        int from = 0;
        while (from < count && uids[from] < 1) {
            from++;
        }
        int to = count;
        while (to > from && uids[to - 1] > UID_MAX) {
            to--;
        }
        return from == 0 ? ofSorted(uids, to) : ofSorted(Arrays.copyOfRange(uids, from, to), to - from);
    }

    private static UidSet ofSorted(long[] uids, int count) {
        List<UidRange> ranges = new ArrayList<>();
        int i = 0;
        while (i < count) {
            long first = uids[i];
            long last = first;
            i++;
            while (i < count && uids[i] <= last + 1) {
                last = uids[i++];
            }
            ranges.add(new UidRange(first, last));
        }
        return new UidSet(ranges);
    }

    /** {@code first <= uid < end}; empty if there is none. */
    public static UidSet between(long first, long end) {
        return first >= end ? EMPTY : new UidSet(List.of(new UidRange(first, Math.min(end - 1, UID_MAX))));
    }

    /** About how many bytes of memory the set takes. */
    public long bytes() {
        return 40L * ranges.size();
    }

    public boolean isEmpty() {
        return ranges.isEmpty();
    }

    public long size() {
        return count(ranges);
    }

    /** UIDs in ranges that do not overlap, whatever their order. */
    public static long count(List<UidRange> ranges) {
        long count = 0;
        for (UidRange range : ranges) {
            count += range.last() - range.first() + 1;
        }
        return count;
    }

    /** The smallest. The set must not be empty. */
    public long first() {
        return ranges.getFirst().first();
    }

    /** The largest. The set must not be empty. */
    public long last() {
        return ranges.getLast().last();
    }

    public boolean contains(long uid) {
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

    public UidSet and(UidSet other) {
        List<UidRange> both = new ArrayList<>();
        int i = 0;
        int j = 0;
        while (i < ranges.size() && j < other.ranges.size()) {
            UidRange a = ranges.get(i);
            UidRange b = other.ranges.get(j);
            long first = Math.max(a.first(), b.first());
            long last = Math.min(a.last(), b.last());
            if (first <= last) {
                both.add(new UidRange(first, last));
            }
            if (a.last() < b.last()) {
                i++;
            } else {
                j++;
            }
        }
        return new UidSet(both);
    }

    public UidSet or(UidSet other) {
        if (isEmpty() || other.isEmpty()) {
            return isEmpty() ? other : this;
        }
        List<UidRange> either = new ArrayList<>(ranges);
        either.addAll(other.ranges);
        return new UidSet(either);
    }

    public UidSet minus(UidSet other) {
        List<UidRange> rest = new ArrayList<>();
        int j = 0;
        for (UidRange range : ranges) {
            long first = range.first();
            while (j < other.ranges.size() && other.ranges.get(j).last() < first) {
                j++;
            }
            int k = j;
            while (first <= range.last()
                    && k < other.ranges.size()
                    && other.ranges.get(k).first() <= range.last()) {
                UidRange hole = other.ranges.get(k++);
                if (hole.first() > first) {
                    rest.add(new UidRange(first, hole.first() - 1));
                }
                first = Math.max(first, hole.last() + 1);
            }
            if (first <= range.last()) {
                rest.add(new UidRange(first, range.last()));
            }
        }
        return new UidSet(rest);
    }

    /** Those that are less than {@code uid}. */
    public UidSet below(long uid) {
        return and(between(1, uid));
    }

    /** The {@code count} smallest. */
    public UidSet lowest(long count) {
        List<UidRange> taken = new ArrayList<>();
        for (UidRange range : ranges) {
            if (count <= 0) {
                break;
            }
            long last = Math.min(range.last(), range.first() + count - 1);
            taken.add(new UidRange(range.first(), last));
            count -= last - range.first() + 1;
        }
        return new UidSet(taken);
    }

    /** The {@code count} largest. */
    public UidSet highest(long count) {
        List<UidRange> taken = new ArrayList<>();
        for (UidRange range : ranges.reversed()) {
            if (count <= 0) {
                break;
            }
            long first = Math.max(range.first(), range.last() - count + 1);
            taken.add(new UidRange(first, range.last()));
            count -= range.last() - first + 1;
        }
        return new UidSet(taken);
    }

    /** Ascending. Only for sets that are known to be small. */
    public void forEach(LongConsumer action) {
        for (UidRange range : ranges) {
            for (long uid = range.first(); uid <= range.last(); uid++) {
                action.accept(uid);
            }
        }
    }

    /** Ascending. Only for sets that are known to be small. */
    public List<Long> uids() {
        List<Long> uids = new ArrayList<>((int) Math.min(size(), Integer.MAX_VALUE));
        forEach(uids::add);
        return List.copyOf(uids);
    }

    /** Splits the set into sets of at most {@link #COMMAND_OCTETS_MAX} octets, ascending. */
    public List<UidSet> split() {
        return split(Long.MAX_VALUE, Integer.MAX_VALUE);
    }

    /** Splits the set likewise, into sets of at most {@code uidsMax} UIDs; a range is cut in two where it must be. */
    public List<UidSet> split(long uidsMax) {
        return split(uidsMax, Integer.MAX_VALUE);
    }

    /**
     * Splits the set into sets that keep all limits, ascending.
     *
     * @param uidsMax UIDs in one set; a range is cut in two where it must be
     * @param rangesMax ranges in one set
     */
    public List<UidSet> split(long uidsMax, int rangesMax) {
        List<UidSet> sets = new ArrayList<>();
        List<UidRange> set = new ArrayList<>();
        int octets = 0;
        long uids = 0;
        for (UidRange range : ranges) {
            long first = range.first();
            while (first <= range.last()) {
                int more = digits(first) + 1 + (range.last() == first ? 0 : digits(range.last()) + 1);
                boolean full = octets + more > COMMAND_OCTETS_MAX || uids == uidsMax || set.size() == rangesMax;
                if (full && !set.isEmpty()) {
                    sets.add(new UidSet(set));
                    set = new ArrayList<>();
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
            sets.add(new UidSet(set));
        }
        return sets;
    }

    /**
     * {@code sequence-set} (RFC 9051 section 9).
     *
     * @param reading whether the end of the UID space may be written as {@code *}. Every server understands that, but
     *     it names the last message even if that lies before the range: never for commands that change something
     */
    public String sequenceSet(boolean reading) {
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

    private static boolean isNormalized(List<UidRange> ranges) {
        long previous = -1;
        for (UidRange range : ranges) {
            if (range.first() <= previous + 1) {
                return false;
            }
            previous = range.last();
        }
        return true;
    }

    private static List<UidRange> normalized(List<UidRange> ranges) {
        List<UidRange> sorted = new ArrayList<>(ranges);
        sorted.sort(Comparator.comparingLong(UidRange::first));
        List<UidRange> merged = new ArrayList<>(sorted.size());
        for (UidRange range : sorted) {
            UidRange last = merged.isEmpty() ? null : merged.getLast();
            if (last != null && range.first() <= last.last() + 1) {
                merged.set(merged.size() - 1, new UidRange(last.first(), Math.max(last.last(), range.last())));
            } else {
                merged.add(range);
            }
        }
        return List.copyOf(merged);
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
