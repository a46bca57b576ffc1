package org.postbus.fetcher.jmap;

import java.time.Duration;
import java.time.Instant;

/**
 * When all ids are compared because the server could not report what changed. The first two times at once: after the first comparison the state is
 * new, so a server that does not know that one either keeps no states, and comparing a large account in every pass would leave no time for
 * anything else. From then on at growing intervals. Pure.
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

    ReconciliationSchedule reconciled(Instant now) {
        if (inARow == 0) {
            return new ReconciliationSchedule(1, now);
        }
        Duration interval = INTERVAL_MIN.multipliedBy(1L << Math.min(inARow - 1, 10));
        return new ReconciliationSchedule(
                inARow + 1, now.plus(interval.compareTo(INTERVAL_MAX) > 0 ? INTERVAL_MAX : interval));
    }

    /** Whether to ask at once for the changes since the state that was read for the comparison. */
    boolean isWorthATry() {
        return inARow == 1;
    }
}
