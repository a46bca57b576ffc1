package org.postbus.observation;

/** UIDs from {@code first} to {@code last}, both included. A predicate: it may be huge and is never expanded. */
public record UidRange(long first, long last) {
    public UidRange {
        if (first < 1 || last < first || last > 0xFFFF_FFFFL) {
            throw new IllegalArgumentException("not a range of UIDs: " + first + ":" + last);
        }
    }
}
