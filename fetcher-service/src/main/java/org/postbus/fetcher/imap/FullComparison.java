package org.postbus.fetcher.imap;

import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.event.Cursor;
import org.postbus.event.MailboxKey;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.model.AccountId;

/**
 * Lays every mailbox that keeps mod-sequences beside the database once a day: a change for which a server forgets to raise its
 * HIGHESTMODSEQ is hidden for ever otherwise. UIDs first, then the flags of some thousand messages a pass, one mailbox at a time.
 * Deletions go the way that all go. Each mailbox has its own time of the day, so the mailboxes of many accounts do not come
 * together, also not after a restart. Nothing of it outlives a claim: what broke off is done at the mailbox's next turn. Belongs to the
 * account's loop.
 */
public final class FullComparison {
    /** Messages whose flags are compared in one pass: news of others do not wait for more. */
    static final int MESSAGES_A_PASS = 10_000;

    private final AccountId account;
    private final Duration every;
    private final Set<MailboxKey> turns = new LinkedHashSet<>();
    private Optional<Instant> lookedAt = Optional.empty();
    private Optional<Comparing> comparing = Optional.empty();

    /** @param every from one turn of a mailbox to the next */
    FullComparison(AccountId account, Duration every) {
        this.account = account;
        this.every = every;
    }

    /** @param rest messages whose flags are still to be compared; empty before the UIDs have been */
    private record Comparing(MailboxKey key, Optional<UidSet> rest) {}

    /** What a step found that should be known and is not. */
    record Missing(ImapMailbox mailbox, MailboxName name, UidSet uids) {}

    /** Whether a mailbox's turn comes after one moment and not after the other. */
    public static boolean hasTurn(AccountId account, MailboxKey mailbox, Instant after, Instant until, Duration every) {
        return hasTurn(account.hashCode() * 31L + mailbox.hashCode(), after, until, every);
    }

    /** The same for an account that is compared as a whole. */
    public static boolean hasTurn(AccountId account, Instant after, Instant until, Duration every) {
        return hasTurn(account.hashCode(), after, until, every);
    }

    private static boolean hasTurn(long whose, Instant after, Instant until, Duration every) {
        long offset = Math.floorMod(whose * 0x9E37_79B9_7F4A_7C15L, every.toMillis());
        return Math.floorDiv(after.toEpochMilli() - offset, every.toMillis())
                < Math.floorDiv(until.toEpochMilli() - offset, every.toMillis());
    }

    /** One step, if it is any mailbox's turn. */
    Optional<Missing> step(Map<MailboxKey, ImapMailbox> mailboxes, FlagAndExpungeResync lookBack, MailboxSession visit, Instant now)
            throws InterruptedException {
        Instant since = lookedAt.orElse(now);
        lookedAt = Optional.of(now);
        mailboxes.values().stream()
                .filter(mailbox -> isComparable(mailbox, now))
                .map(ImapMailbox::key)
                .filter(key -> hasTurn(account, key, since, now, every))
                .forEach(turns::add);
        Optional<ImapMailbox> next = next(mailboxes, now);
        if (next.isEmpty()) {
            return Optional.empty();
        }
        ImapMailbox mailbox = next.get();
        MailboxName name = new MailboxName(mailbox.observed.rawName().orElseThrow());
        Comparing at = comparing.orElseThrow();
        comparing = Optional.empty();
        UidSet[] missing = {UidSet.EMPTY};
        visit.unlessRefused(mailbox, () -> {
            SelectedMailbox selected = visit.select(mailbox, name);
            if (mailbox.cursor.isEmpty()) {
                return;
            }
            Cursor.Imap cursor = mailbox.cursor.get();
            UidSet rest;
            if (at.rest().isPresent()) {
                rest = at.rest().get();
            } else {
                missing[0] = lookBack.compareUids(mailbox, cursor, selected);
                rest = lookBack.ours(mailbox, cursor);
            }
            UidSet some = rest.highest(MESSAGES_A_PASS);
            lookBack.readAgain(mailbox, selected, some);
            rest = rest.minus(some);
            comparing = rest.isEmpty() ? Optional.empty() : Optional.of(new Comparing(at.key(), Optional.of(rest)));
        });
        return missing[0].isEmpty() ? Optional.empty() : Optional.of(new Missing(mailbox, name, missing[0]));
    }

    /** The mailbox that is being compared, or else the one whose turn it is. */
    private Optional<ImapMailbox> next(Map<MailboxKey, ImapMailbox> mailboxes, Instant now) {
        Iterator<MailboxKey> waiting = turns.iterator();
        while (comparing.isPresent() || waiting.hasNext()) {
            if (comparing.isEmpty()) {
                comparing = Optional.of(new Comparing(waiting.next(), Optional.empty()));
                waiting.remove();
            }
            ImapMailbox mailbox = mailboxes.get(comparing.get().key());
            if (mailbox != null && isComparable(mailbox, now)) {
                return Optional.of(mailbox);
            }
            comparing = Optional.empty();
        }
        return Optional.empty();
    }

    /** Without mod-sequences flags are compared all the time, and what is still being read for the first time need not be. */
    private static boolean isComparable(ImapMailbox mailbox, Instant now) {
        return mailbox.observed.selectable()
                && mailbox.observed.rawName().isPresent()
                && !mailbox.refusedUntil.isAfter(now)
                && mailbox.cursor
                        .filter(cursor ->
                                cursor.backfilled() && cursor.highestModSeq().isPresent())
                        .isPresent();
    }
}
