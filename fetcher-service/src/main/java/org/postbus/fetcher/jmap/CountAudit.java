package org.postbus.fetcher.jmap;

import java.time.Duration;
import java.util.Map;
import org.postbus.observation.MailboxKey;

/**
 * Whether the mailboxes hold as many emails as the server reports. A server that does not return states in the order of its changes omits from
 * {@code Email/changes} and {@code Mailbox/changes} what happened while a state was read (James does), and only the counts ever show it. Pure.
 *
 * <p>Emails are counted after passes that found nothing, because only then do both numbers belong to the same moment, and a difference is believed
 * when two counts in a row find the same. Counts that still differ after all ids have been compared are the server's way of counting. Right counts
 * are checked again when something has changed, when push reported a change that the pass did not find, on a sync request, and every {@link
 * #EVERY}: nothing follows the last change that a server omits.
 *
 * @param suspected the differences that the last count found
 * @param compared the differences for which all ids have been compared
 */
record CountAudit(boolean due, Map<MailboxKey, Long> suspected, Map<MailboxKey, Long> compared) {
    static final Duration EVERY = Duration.ofMinutes(10);
    static final CountAudit DUE = new CountAudit(true, Map.of(), Map.of());

    CountAudit {
        suspected = Map.copyOf(suspected);
        compared = Map.copyOf(compared);
    }

    /** Something changed: emails are to be counted after the next pass that finds nothing. */
    CountAudit changed() {
        return new CountAudit(true, Map.of(), compared);
    }

    /** Nothing changed, but emails are to be counted. */
    CountAudit wanted() {
        return new CountAudit(true, suspected, compared);
    }

    /** @param differences by mailbox, how many more emails the server reports than are stored; mailboxes without a difference left out */
    CountAudit counted(Map<MailboxKey, Long> differences) {
        return new CountAudit(!differences.isEmpty() && !differences.equals(compared), differences, compared);
    }

    /** Whether these differences, which were just found, require a comparison of all ids. */
    boolean isProvenBy(Map<MailboxKey, Long> differences) {
        return !differences.isEmpty() && differences.equals(suspected) && !differences.equals(compared);
    }

    CountAudit comparing() {
        return new CountAudit(true, Map.of(), suspected);
    }
}
