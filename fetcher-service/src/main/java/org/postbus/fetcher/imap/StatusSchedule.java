package org.postbus.fetcher.imap;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * How often a mailbox is asked for its STATUS where the server reports each only by itself: mailboxes that just changed every minute or two,
 * those that do not change every half hour, and those that mail programs write to (Sent, Junk, Trash ...) twice as often as these. All times
 * are multiples of the polling interval, which is 30 s by default. Pure.
 */
final class StatusSchedule {
    /** STATUS commands of one pass in which nothing happened, besides those for the inbox and for dirty mailboxes. */
    static final int STATUS_MAX = 20;

    private static final int HOTTEST = 2;
    private static final int COLDEST = 60;
    private static final int COLDEST_WITH_ROLE = 30;
    /** After a change, a mailbox is checked this many times before as much time as since the change has passed again. */
    private static final int CHECKS = 4;

    private StatusSchedule() {}

    /** @param changed when its STATUS last differed from the one before */
    record Checked(Instant at, Instant changed, boolean hasRole) {}

    static Instant nextCheck(Checked checked, Duration poll) {
        Duration longest = poll.multipliedBy(checked.hasRole() ? COLDEST_WITH_ROLE : COLDEST);
        Duration cooled = Duration.between(checked.changed(), checked.at()).dividedBy(CHECKS);
        Duration shortest = poll.multipliedBy(HOTTEST);
        Duration wait = cooled.compareTo(shortest) < 0 ? shortest : cooled.compareTo(longest) > 0 ? longest : cooled;
        return checked.at().plus(wait);
    }

    /**
     * The mailboxes that are due, at most {@link #STATUS_MAX}, the longest overdue first: however many there are, each is checked before any
     * other is checked twice.
     */
    static <K> List<K> due(Map<K, Checked> mailboxes, Instant now, Duration poll) {
        return mailboxes.entrySet().stream()
                .map(entry -> Map.entry(entry.getKey(), nextCheck(entry.getValue(), poll)))
                .filter(entry -> !entry.getValue().isAfter(now))
                .sorted(Comparator.comparing(Map.Entry::getValue))
                .limit(STATUS_MAX)
                .map(Map.Entry::getKey)
                .toList();
    }
}
