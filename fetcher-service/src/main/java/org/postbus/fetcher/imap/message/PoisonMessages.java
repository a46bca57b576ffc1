package org.postbus.fetcher.imap.message;

import java.util.HashMap;
import java.util.Map;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.MailboxKey;

/**
 * Messages of an account at which reading failed, over connections and claims. Such a message is from then on read alone and last, and not asked
 * for with the others any more when it has broken the connection {@link #FAILURES} times: it is then deferred. A connection fails for many reasons;
 * a message that is readable is read the next time, and forgotten here. Belongs to the account's loop.
 */
public final class PoisonMessages {
    /** A network that fails this often at the same message, which is read alone, is not the cause. */
    static final int FAILURES = 3;

    private record Message(MailboxKey mailbox, long uidValidity, long uid) {}

    private record Failed(int times, String reason) {}

    private final Map<Message, Failed> failed = new HashMap<>();

    void failed(MailboxKey mailbox, long uidValidity, long uid, String reason) {
        failed.merge(
                new Message(mailbox, uidValidity, uid),
                new Failed(1, reason),
                (before, now) -> new Failed(before.times() + 1, reason));
    }

    void succeeded(MailboxKey mailbox, long uidValidity, UidSet uids) {
        failed.keySet()
                .removeIf(message -> message.mailbox().equals(mailbox)
                        && message.uidValidity() == uidValidity
                        && uids.contains(message.uid()));
    }

    /** Messages that are to be read alone. */
    UidSet of(MailboxKey mailbox, long uidValidity) {
        return of(mailbox, uidValidity, 1);
    }

    /** Messages that are to be deferred. */
    UidSet proven(MailboxKey mailbox, long uidValidity) {
        return of(mailbox, uidValidity, FAILURES);
    }

    String reason(MailboxKey mailbox, long uidValidity, long uid) {
        return failed.get(new Message(mailbox, uidValidity, uid)).reason();
    }

    private UidSet of(MailboxKey mailbox, long uidValidity, int timesMin) {
        return UidSet.ofUids(failed.entrySet().stream()
                .filter(entry -> entry.getKey().mailbox().equals(mailbox)
                        && entry.getKey().uidValidity() == uidValidity
                        && entry.getValue().times() >= timesMin)
                .map(entry -> entry.getKey().uid())
                .toList());
    }
}
