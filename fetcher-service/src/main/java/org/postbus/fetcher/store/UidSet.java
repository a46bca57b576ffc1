package org.postbus.fetcher.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongConsumer;
import org.postbus.observation.UidRange;

/** A set of UIDs as ranges: sorted, disjoint and not adjacent, so that a mailbox of millions is a few ranges. Immutable. */
public record UidSet(List<UidRange> ranges) {
    public static final UidSet EMPTY = new UidSet(List.of());
    private static final long UID_MAX = 0xFFFF_FFFFL;
    /** Every UID that there can be. */
    public static final UidSet ALL = between(1, UID_MAX + 1);

    public UidSet {
        ranges = normalized(ranges);
    }

    public static UidSet of(List<UidRange> ranges) {
        return new UidSet(ranges);
    }

    public static UidSet ofUids(Collection<Long> uids) {
        return new UidSet(uids.stream().map(uid -> new UidRange(uid, uid)).toList());
    }

    public static UidSet ofUids(long... uids) {
        return new UidSet(
                Arrays.stream(uids).mapToObj(uid -> new UidRange(uid, uid)).toList());
    }

    /** {@code first <= uid < end}; empty if there is none. */
    public static UidSet between(long first, long end) {
        return first >= end ? EMPTY : new UidSet(List.of(new UidRange(first, Math.min(end - 1, UID_MAX))));
    }

    public boolean isEmpty() {
        return ranges.isEmpty();
    }

    public long size() {
        return ranges.stream()
                .mapToLong(range -> range.last() - range.first() + 1)
                .sum();
    }

    /** The smallest. */
    public long first() {
        return ranges.getFirst().first();
    }

    /** The largest. */
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

    private static List<UidRange> normalized(List<UidRange> ranges) {
        List<UidRange> sorted = new ArrayList<>(ranges);
        sorted.sort(Comparator.comparingLong(UidRange::first));
        List<UidRange> merged = new ArrayList<>(sorted.size());
        for (UidRange range : sorted) {
            if (!merged.isEmpty() && range.first() <= merged.getLast().last() + 1) {
                UidRange previous = merged.removeLast();
                merged.add(new UidRange(previous.first(), Math.max(previous.last(), range.last())));
            } else {
                merged.add(range);
            }
        }
        return List.copyOf(merged);
    }
}
