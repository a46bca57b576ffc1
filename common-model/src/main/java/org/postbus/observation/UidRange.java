package org.postbus.observation;

/** The UIDs from {@code first} to {@code last}, both included. The range may be very large, so it is never expanded. */
public record UidRange(long first, long last) {
    public UidRange {
        if (first < 1 || last < first || last > 0xFFFF_FFFFL) {
            throw new IllegalArgumentException("not a range of UIDs: " + first + ":" + last);
        }
    }
}
