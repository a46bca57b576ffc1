package org.postbus.fetcher.loop;

import java.time.Duration;
import org.postbus.event.PushKind;

/**
 * How long an account waits for news before it looks by itself: briefly after something happened, for more often follows
 * then, and twice as long with every look that finds nothing. Push does not tell everything (James says nothing of flags
 * during IDLE, IDLE knows one mailbox only), and a look that finds nothing costs little.
 */
final class PollSchedule {
    static final Duration FIRST = Duration.ofSeconds(2);

    /** NOTIFY tells of every mailbox; what it might leave out can wait so many times longer. */
    private static final int LONGER_WITH_NOTIFY = 10;

    private PollSchedule() {}

    /** @param poll the interval that is configured */
    static Duration longest(PushKind push, Duration poll) {
        return switch (push) {
            case NOTIFY -> poll.multipliedBy(LONGER_WITH_NOTIFY);
            case IDLE, EVENT_SOURCE, WEBSOCKET, POLL -> poll;
        };
    }

    /**
     * @param quietPasses that found nothing since something last happened: 0 or more
     * @param longest what it grows to
     */
    static Duration wait(int quietPasses, Duration longest) {
        Duration grown = FIRST.multipliedBy(1L << Math.min(quietPasses, 20));
        return grown.compareTo(longest) < 0 ? grown : longest;
    }
}
