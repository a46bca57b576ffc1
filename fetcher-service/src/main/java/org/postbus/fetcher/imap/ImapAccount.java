package org.postbus.fetcher.imap;

import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.message.PoisonMessages;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.QuarantinePolicy;
import org.postbus.fetcher.source.ServerDeviations;
import org.postbus.fetcher.store.Claim;
import org.postbus.fetcher.store.MailboxSnapshot;
import org.postbus.fetcher.store.StoredImapState;
import org.postbus.fetcher.store.StoredReadFailures;
import org.postbus.mail.imap.grammar.UidSet;
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

    /** Emails whose flags a requested pass compares because of mutations. */
    private static final int CONFIRMED_MAX = 10_000;

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

    /** A user may have asked for messages that could not be read to be tried again: that is stored, and a sync request follows it. */
    void takeRequestedRetries(StoredImapState stored, Instant now) throws InterruptedException {
        if (mailboxes.values().stream().allMatch(mailbox -> mailbox.notRead().isEmpty())) {
            return;
        }
        Map<MailboxKey, Set<Long>> uids = new HashMap<>();
        for (StoredReadFailures.Location due : stored.dueNotRead(now)) {
            ImapMailbox mailbox = mailboxes.get(due.mailbox());
            if (mailbox != null
                    && mailbox.cursor()
                            .filter(cursor -> cursor.uidValidity() == due.uidValidity())
                            .isPresent()) {
                uids.computeIfAbsent(due.mailbox(), unused -> new HashSet<>()).add(due.uid());
            }
        }
        uids.forEach((key, ofMailbox) -> mailboxes.get(key).notRead().makeDue(ofMailbox::contains));
    }

    /**
     * A requested pass confirms mutations. Where no mod-sequence shows what they have changed, the flags of those messages are compared, whichever
     * mailbox is watched.
     */
    void compareWhatMutationsChanged(StoredImapState stored) throws InterruptedException {
        if (mailboxes.values().stream().noneMatch(ImapAccount::isWithoutModSeqs)) {
            return;
        }
        Map<MailboxKey, Set<Long>> uids = new HashMap<>();
        for (StoredReadFailures.Location location : stored.locationsToConfirm(CONFIRMED_MAX)) {
            ImapMailbox mailbox = mailboxes.get(location.mailbox());
            if (mailbox != null
                    && isWithoutModSeqs(mailbox)
                    && mailbox.cursor().orElseThrow().uidValidity() == location.uidValidity()) {
                uids.computeIfAbsent(location.mailbox(), unused -> new HashSet<>())
                        .add(location.uid());
            }
        }
        uids.forEach((key, ofMailbox) -> mailboxes.get(key).flagChecks().changedByUs(UidSet.ofUids(ofMailbox)));
    }

    private static boolean isWithoutModSeqs(ImapMailbox mailbox) {
        return mailbox.cursor()
                .filter(cursor -> cursor.highestModSeq().isEmpty())
                .isPresent();
    }

    /** How many more messages a pass may defer. */
    AtomicInteger deferrable() {
        int deferred = mailboxes.values().stream()
                .mapToInt(mailbox -> mailbox.notRead().size())
                .sum();
        return new AtomicInteger(Math.max(0, QuarantinePolicy.NOT_READ_MAX - deferred));
    }

    /** When the next message that could not be read is due. */
    Optional<Instant> nextTry() {
        return mailboxes.values().stream()
                .flatMap(mailbox -> mailbox.notRead().nextTry().stream())
                .min(Instant::compareTo);
    }

    ServerDeviations.Counts notRead() {
        long all = 0;
        long quarantined = 0;
        for (ImapMailbox mailbox : mailboxes.values()) {
            all += mailbox.notRead().size();
            quarantined += mailbox.notRead().quarantined();
        }
        return new ServerDeviations.Counts(all - quarantined, quarantined);
    }

    /** Whether the initial sync of every mailbox has ended. */
    boolean isReadWhole() {
        return !mailboxes.isEmpty()
                && mailboxes.values().stream()
                        .filter(mailbox -> mailbox.observed().selectable())
                        .allMatch(ImapMailbox::isBackfilled);
    }
}
