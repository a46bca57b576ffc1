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

    /** NOTIFY reports the messages of every mailbox; what it omits, such as a renamed mailbox, may wait this many times longer. */
    private static final int LONGER_WITH_NOTIFY = 10;

    /** But never longer than this, unless the configured interval is. */
    private static final Duration LONGEST_WITH_NOTIFY = Duration.ofMinutes(5);

    private PollSchedule() {}

    /** @param poll the configured interval */
    static Duration longest(PushKind push, Duration poll) {
        return switch (push) {
            case NOTIFY -> {
                Duration longer = poll.multipliedBy(LONGER_WITH_NOTIFY);
                Duration limit = LONGEST_WITH_NOTIFY.compareTo(poll) > 0 ? LONGEST_WITH_NOTIFY : poll;
                yield longer.compareTo(limit) < 0 ? longer : limit;
            }
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
