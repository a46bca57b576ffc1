package org.postbus.fetcher.imap.mailbox;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** When a mailbox that the server refuses is tried again. */
public final class Refusals {
    private static final Duration PAUSE_MIN = Duration.ofSeconds(30);
    private static final Duration PAUSE_MAX = Duration.ofMinutes(15);

    /** A mailbox that is refused for longer is not waited for: no mutation of the account would be confirmed. */
    private static final Duration WAITED_FOR = Duration.ofHours(1);

    private int inARow;
    private Instant until = Instant.EPOCH;
    private Instant refusedAt = Instant.EPOCH;
    private Optional<Instant> uncheckedSince = Optional.empty();

    /**
     * A first refusal has no consequence: the mailbox was renamed or deleted after it was listed, and the next LIST shows it. A mailbox
     * that is refused again and again is listed but does not exist, and is tried at growing intervals.
     */
    void refused(Instant now) {
        inARow++;
        refusedAt = now;
        uncheckedSince = uncheckedSince.or(() -> Optional.of(now));
        if (inARow > 1) {
            Duration pause = PAUSE_MIN.multipliedBy(1L << Math.min(inARow - 2, 10));
            until = now.plus(pause.compareTo(PAUSE_MAX) > 0 ? PAUSE_MAX : pause);
        }
    }

    void opened() {
        inARow = 0;
        until = Instant.EPOCH;
    }

    /**
     * At the end of a pass: whether the pass has checked the mailbox, or it has been refused for so long that it is not waited for.
     *
     * @param now when the pass began
     */
    public boolean countsAsChecked(Instant now) {
        boolean refused = refusedAt.equals(now) || isPausing(now);
        if (!refused) {
            uncheckedSince = Optional.empty();
        }
        return !refused
                || uncheckedSince
                        .filter(since -> since.plus(WAITED_FOR).isAfter(now))
                        .isEmpty();
    }

    /** Whether the mailbox is not to be tried now. */
    public boolean isPausing(Instant now) {
        return until.isAfter(now);
    }
}
