package org.postbus.fetcher.loop;

import java.time.Duration;
import org.postbus.account.PushKind;

/**
 * How long an account's loop waits for a wake-up before it polls: briefly after something happened, because more often follows then, and
 * twice as long after each pass that finds nothing. Push does not report everything (James reports no flags during IDLE, IDLE covers one
 * mailbox only), and a pass that finds nothing is cheap.
 */
final class PollSchedule {
    static final Duration FIRST = Duration.ofSeconds(2);

    /** NOTIFY reports every mailbox; what it might omit may wait this many times longer. */
    private static final int LONGER_WITH_NOTIFY = 10;

    private PollSchedule() {}

    /** @param poll the configured interval */
    static Duration longest(PushKind push, Duration poll) {
        return switch (push) {
            case NOTIFY -> poll.multipliedBy(LONGER_WITH_NOTIFY);
            case IDLE, EVENT_SOURCE, WEBSOCKET, POLL -> poll;
        };
    }

    /**
     * @param quietPasses passes that found nothing since something last happened: 0 or more
     * @param longest what the wait grows to
     */
    static Duration wait(int quietPasses, Duration longest) {
        Duration grown = FIRST.multipliedBy(1L << Math.min(quietPasses, 20));
        return grown.compareTo(longest) < 0 ? grown : longest;
    }
}
