package org.postbus.fetcher.imap.mailbox;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.postbus.fetcher.store.StoredImapState;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservedMailbox;

/** Of a mailbox whose STATUS does not say how many messages it holds, what is stored is shown. */
public final class StoredCounts {
    private final ImapPassContext pass;

    public StoredCounts(ImapPassContext pass) {
        this.pass = pass;
    }

    /**
     * Publishes the numbers that differ from those published before. At the end of a pass that has found something.
     *
     * @param mailboxes that were asked for their STATUS
     */
    public void publish(List<MailboxListing.Entry> mailboxes, Map<MailboxKey, ImapMailbox> known)
            throws InterruptedException {
        List<ImapMailbox> uncounted = new ArrayList<>();
        for (MailboxListing.Entry entry : mailboxes) {
            if (entry.mailbox().selectable()
                    && pass.session().membership().storesMessages(entry.mailbox())
                    && entry.listed().status().map(StoredCounts::lacksNumbers).orElse(true)) {
                uncounted.add(known.get(entry.mailbox().key()));
            }
        }
        if (uncounted.isEmpty()) {
            return;
        }
        pass.out().awaitApplied();
        Map<MailboxKey, StoredImapState.Counts> stored =
                pass.stored().counts(uncounted.stream().map(ImapMailbox::key).toList());
        for (ImapMailbox mailbox : uncounted) {
            StoredImapState.Counts counts = stored.getOrDefault(mailbox.key(), new StoredImapState.Counts(0, 0));
            ObservedMailbox counted = mailbox.observed().withCounts(counts.total(), counts.unread());
            if (!counted.equals(mailbox.observed())) {
                mailbox.listed(counted);
                pass.out().add(new Observation.MailboxObserved(counted));
            }
        }
    }

    private static boolean lacksNumbers(MailboxStatus status) {
        return status.messages().isEmpty() || status.unseen().isEmpty();
    }
}
