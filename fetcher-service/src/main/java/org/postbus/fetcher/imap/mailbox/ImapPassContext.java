package org.postbus.fetcher.imap.mailbox;

import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.store.StoredImapState;
import org.postbus.fetcher.store.StoredLabels;
import org.postbus.model.AccountId;

/**
 * What the parts of one IMAP pass share.
 *
 * @param stored what the writer has stored; complete only after {@link ObservationPublisher#awaitApplied}
 * @param full trust no cursor
 * @param deferrable how many more messages of the account may be deferred
 * @param now when the pass began
 */
public record ImapPassContext(
        AccountId account,
        StoredImapState stored,
        StoredLabels storedLabels,
        MailboxSession session,
        ObservationPublisher out,
        boolean full,
        AtomicInteger deferrable,
        Instant now) {}
