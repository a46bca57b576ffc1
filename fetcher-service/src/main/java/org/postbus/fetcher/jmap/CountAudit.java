package org.postbus.fetcher.jmap;

import java.time.Duration;
import java.util.Map;
import org.postbus.event.MailboxKey;

/**
 * Whether the mailboxes hold as many emails as the server says. A server whose states are not handed out in the order of its changes
 * leaves out of {@code Email/changes} and {@code Mailbox/changes} what happened while a state was read (James does), and nothing but the
 * counts ever shows it.
 *
 * <p>Looked at after passes that found nothing, for only then do both sides speak of the same moment, and believed when two of them in
 * a row say the same. Counts that stay wrong after all ids have been compared are the server's way of counting. Right counts are looked at
 * again when something has changed, when push told of a change that the pass did not find, when somebody asks, and every
 * {@link #EVERY}: what a server leaves out last is followed by nothing else.
 *
 * @param suspected what the last look found
 * @param compared for which all ids have been compared
 */
record CountAudit(boolean due, Map<MailboxKey, Long> suspected, Map<MailboxKey, Long> compared) {
    static final Duration EVERY = Duration.ofMinutes(10);
    static final CountAudit DUE = new CountAudit(true, Map.of(), Map.of());

    CountAudit {
        suspected = Map.copyOf(suspected);
        compared = Map.copyOf(compared);
    }

    /** Something changed: the counts are to be looked at once all is quiet. */
    CountAudit stirred() {
        return new CountAudit(true, Map.of(), compared);
    }

    /** Nothing changed, but the counts are to be looked at. */
    CountAudit wanted() {
        return new CountAudit(true, suspected, compared);
    }

    /** @param missing by mailbox, how many emails more the server has than the database; those with none left out */
    CountAudit looked(Map<MailboxKey, Long> missing) {
        return new CountAudit(!missing.isEmpty() && !missing.equals(compared), missing, compared);
    }

    /** Whether what was just found calls for a comparison of all ids. */
    boolean isProvenBy(Map<MailboxKey, Long> missing) {
        return !missing.isEmpty() && missing.equals(suspected) && !missing.equals(compared);
    }

    CountAudit comparing() {
        return new CountAudit(true, Map.of(), suspected);
    }
}
