package org.postbus.fetcher.imap;

import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.fetcher.imap.NewMessages.Unread;
import org.postbus.fetcher.imap.mailbox.ExpungeDetection;
import org.postbus.fetcher.imap.mailbox.FlagComparison;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.MailboxSession;
import org.postbus.fetcher.source.ComparisonSchedule;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.model.AccountId;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;

/**
 * Compares every mailbox that keeps mod-sequences with the database once a day ({@link ComparisonSchedule}): otherwise a change for which a
 * server forgets to raise the HIGHESTMODSEQ would never be found. UIDs first, then the flags of some thousand messages a pass, one mailbox at a
 * time. Nothing of it outlives a claim: an interrupted comparison is done again when the mailbox is next due. Belongs to the account's loop.
 */
final class FullComparison {
    /** Messages whose flags are compared in one pass, so that the comparison does not delay new mail. */
    static final int MESSAGES_PER_PASS = 10_000;

    private final AccountId account;
    private final Duration every;
    private final Set<MailboxKey> due = new LinkedHashSet<>();
    private Optional<Instant> checkedAt = Optional.empty();
    private Optional<Progress> inProgress = Optional.empty();

    /** @param every the interval at which a mailbox is compared */
    FullComparison(AccountId account, Duration every) {
        this.account = account;
        this.every = every;
    }

    /** @param rest messages whose flags are still to be compared; empty before the UIDs have been */
    private record Progress(MailboxKey key, Optional<UidSet> rest) {}

    /** One step, if any mailbox is due. Returns the messages that are listed but not stored. */
    Optional<Unread> step(
            Map<MailboxKey, ImapMailbox> mailboxes,
            ExpungeDetection expunges,
            FlagComparison flags,
            MailboxSession session,
            Instant now)
            throws InterruptedException {
        Instant since = checkedAt.orElse(now);
        checkedAt = Optional.of(now);
        mailboxes.values().stream()
                .filter(mailbox -> isComparable(mailbox, now))
                .map(ImapMailbox::key)
                .filter(key -> ComparisonSchedule.isDue(account, key, since, now, every))
                .forEach(due::add);
        Optional<ImapMailbox> next = next(mailboxes, now);
        if (next.isEmpty()) {
            return Optional.empty();
        }
        ImapMailbox mailbox = next.get();
        MailboxName name = mailbox.name().orElseThrow();
        Progress progress = inProgress.orElseThrow();
        inProgress = Optional.empty();
        UidSet[] missing = {UidSet.EMPTY};
        session.unlessRefused(mailbox, () -> {
            SelectedMailbox selected = session.select(mailbox, name);
            if (mailbox.cursor().isEmpty()) {
                return;
            }
            Cursor.Imap cursor = mailbox.cursor().get();
            UidSet rest;
            if (progress.rest().isPresent()) {
                rest = progress.rest().get();
            } else {
                missing[0] = expunges.compareUids(mailbox, cursor, selected);
                rest = expunges.storedUids(mailbox, cursor);
            }
            UidSet some = rest.highest(MESSAGES_PER_PASS);
            flags.compare(mailbox, selected, some);
            rest = rest.minus(some);
            inProgress =
                    rest.isEmpty() ? Optional.empty() : Optional.of(new Progress(progress.key(), Optional.of(rest)));
        });
        return missing[0].isEmpty() ? Optional.empty() : Optional.of(new Unread(mailbox, name, missing[0]));
    }

    /** The mailbox whose comparison is in progress, or else one that is due. */
    private Optional<ImapMailbox> next(Map<MailboxKey, ImapMailbox> mailboxes, Instant now) {
        Iterator<MailboxKey> waiting = due.iterator();
        while (inProgress.isPresent() || waiting.hasNext()) {
            if (inProgress.isEmpty()) {
                inProgress = Optional.of(new Progress(waiting.next(), Optional.empty()));
                waiting.remove();
            }
            ImapMailbox mailbox = mailboxes.get(inProgress.get().key());
            if (mailbox != null && isComparable(mailbox, now)) {
                return Optional.of(mailbox);
            }
            inProgress = Optional.empty();
        }
        return Optional.empty();
    }

    /** Without mod-sequences flags are compared all the time, and a mailbox in its initial sync need not be compared. */
    private static boolean isComparable(ImapMailbox mailbox, Instant now) {
        return mailbox.observed().selectable()
                && mailbox.name().isPresent()
                && !mailbox.refusals().isPausing(now)
                && mailbox.cursor()
                        .filter(cursor ->
                                cursor.backfilled() && cursor.highestModSeq().isPresent())
                        .isPresent();
    }
}
