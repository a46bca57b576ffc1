package org.postbus.fetcher.jmap;

import java.time.Duration;
import java.time.Instant;

/**
 * When all ids are compared because the server could not say what changed. The first time and the second at once: the state is fresh
 * after the first, so a server that does not know that one either knows none, and to compare all of a large account at every look would
 * be all that we do. From then on it is done at growing intervals.
 *
 * @param inARow how often the server did not know a state, since it last did
 */
record ReconciliationSchedule(int inARow, Instant notBefore) {
    static final ReconciliationSchedule NONE = new ReconciliationSchedule(0, Instant.MIN);

    private static final Duration INTERVAL_MIN = Duration.ofMinutes(1);
    private static final Duration INTERVAL_MAX = Duration.ofHours(1);

    boolean isDue(Instant now) {
        return !now.isBefore(notBefore);
    }

    ReconciliationSchedule compared(Instant now) {
        if (inARow == 0) {
            return new ReconciliationSchedule(1, now);
        }
        Duration interval = INTERVAL_MIN.multipliedBy(1L << Math.min(inARow - 1, 10));
        return new ReconciliationSchedule(inARow + 1, now.plus(interval.compareTo(INTERVAL_MAX) > 0 ? INTERVAL_MAX : interval));
    }

    /** Whether the state that was taken for the comparison is worth a try at once. */
    boolean isWorthATry() {
        return inARow == 1;
    }
}
