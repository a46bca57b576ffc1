package org.postbus.fetcher.imap;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * How often a mailbox is asked for its STATUS where the server tells of each by itself and speaks of none unasked: those in which
 * something just happened every minute or two, those in which nothing does every half hour, and those that mail programs write to
 * (Sent, Junk, Trash ...) twice as often. All times are multiples of the polling interval, of 30 s by default.
 */
final class StatusSchedule {
    /** STATUS commands of one pass in which nothing happened, besides those of the inbox and of mailboxes that were stirred. */
    static final int STATUS_MAX = 20;

    private static final int HOTTEST = 2;
    private static final int COLDEST = 60;
    private static final int COLDEST_WITH_ROLE = 30;
    /** A mailbox in which something happened so long ago is looked at four times until as much time has gone by again. */
    private static final int LOOKS = 4;

    private StatusSchedule() {}

    /** @param changed when a STATUS last differed from the one before */
    public record Looked(Instant at, Instant changed, boolean hasRole) {}

    static Instant nextLook(Looked looked, Duration poll) {
        Duration longest = poll.multipliedBy(looked.hasRole() ? COLDEST_WITH_ROLE : COLDEST);
        Duration cooled = Duration.between(looked.changed(), looked.at()).dividedBy(LOOKS);
        Duration shortest = poll.multipliedBy(HOTTEST);
        Duration wait = cooled.compareTo(shortest) < 0 ? shortest : cooled.compareTo(longest) > 0 ? longest : cooled;
        return looked.at().plus(wait);
    }

    /**
     * Those whose time has come, at most {@link #STATUS_MAX}. Who waits longest is first, so however many there are each one's turn
     * comes before any other has had two.
     */
    static <K> List<K> due(Map<K, Looked> mailboxes, Instant now, Duration poll) {
        return mailboxes.entrySet().stream()
                .map(entry -> Map.entry(entry.getKey(), nextLook(entry.getValue(), poll)))
                .filter(entry -> !entry.getValue().isAfter(now))
                .sorted(Comparator.comparing(Map.Entry::getValue))
                .limit(STATUS_MAX)
                .map(Map.Entry::getKey)
                .toList();
    }
}
