package org.postbus.fetcher.imap;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.message.PoisonMessages;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.store.Claim;
import org.postbus.fetcher.store.MailboxSnapshot;
import org.postbus.observation.MailboxKey;

/**
 * One IMAP account under one claim: what its passes share and what one pass leaves to the next. Belongs to the account's loop.
 *
 * @param poisonMessages of the account's loop, over claims
 * @param qresyncReportsFlags whether the server was seen to report flags with QRESYNC
 * @param unlistedLabels Gmail labels without a mailbox that were seen on messages
 */
record ImapAccount(
        Claim claim,
        FetcherContext context,
        PoisonMessages poisonMessages,
        Map<MailboxKey, ImapMailbox> mailboxes,
        StatusRounds statusRounds,
        FullComparison fullComparison,
        AtomicBoolean qresyncReportsFlags,
        Set<String> unlistedLabels) {

    static ImapAccount of(Claim claim, FetcherContext context, PoisonMessages poisonMessages) {
        Map<MailboxKey, ImapMailbox> mailboxes = new LinkedHashMap<>();
        for (MailboxSnapshot mailbox : claim.mailboxes()) {
            mailboxes.put(mailbox.observed().key(), ImapMailbox.stored(mailbox));
        }
        return new ImapAccount(
                claim,
                context,
                poisonMessages,
                mailboxes,
                new StatusRounds(context.poll()),
                new FullComparison(claim.accountId(), context.compareEvery()),
                new AtomicBoolean(),
                new HashSet<>());
    }

    /** Whether the initial sync of every mailbox has ended. */
    boolean isReadWhole() {
        return !mailboxes.isEmpty()
                && mailboxes.values().stream()
                        .filter(mailbox -> mailbox.observed().selectable())
                        .allMatch(ImapMailbox::isBackfilled);
    }
}
