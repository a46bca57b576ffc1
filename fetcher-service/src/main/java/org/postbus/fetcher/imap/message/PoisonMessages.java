package org.postbus.fetcher.imap.message;

import java.util.HashMap;
import java.util.Map;
import org.postbus.event.MailboxKey;
import org.postbus.fetcher.store.UidSet;

/**
 * Messages of an account at which reading broke, over connections and claims: each is from then on read alone and last, and found
 * guilty when that has failed {@link #BREAKS} times. A connection breaks for many reasons; an innocent message is read the next
 * time, and forgotten here. Belongs to the account's loop.
 */
public final class PoisonMessages {
    /** A network that is lost as often at the same message, read alone, is not the network. */
    static final int BREAKS = 3;

    private record Message(MailboxKey mailbox, long uidValidity, long uid) {}

    private record Charge(int times, String reason) {}

    private final Map<Message, Charge> charges = new HashMap<>();

    void suspect(MailboxKey mailbox, long uidValidity, long uid, String reason) {
        charges.merge(
                new Message(mailbox, uidValidity, uid),
                new Charge(1, reason),
                (before, now) -> new Charge(before.times() + 1, reason));
    }

    void acquit(MailboxKey mailbox, long uidValidity, UidSet uids) {
        charges.keySet()
                .removeIf(message -> message.mailbox().equals(mailbox)
                        && message.uidValidity() == uidValidity
                        && uids.contains(message.uid()));
    }

    public UidSet of(MailboxKey mailbox, long uidValidity) {
        return of(mailbox, uidValidity, 1);
    }

    UidSet convicted(MailboxKey mailbox, long uidValidity) {
        return of(mailbox, uidValidity, BREAKS);
    }

    public String reason(MailboxKey mailbox, long uidValidity, long uid) {
        return charges.get(new Message(mailbox, uidValidity, uid)).reason();
    }

    private UidSet of(MailboxKey mailbox, long uidValidity, int timesMin) {
        return UidSet.ofUids(charges.entrySet().stream()
                .filter(charge -> charge.getKey().mailbox().equals(mailbox)
                        && charge.getKey().uidValidity() == uidValidity
                        && charge.getValue().times() >= timesMin)
                .map(charge -> charge.getKey().uid())
                .toList());
    }
}
