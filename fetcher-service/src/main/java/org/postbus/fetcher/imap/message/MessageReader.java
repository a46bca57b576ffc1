package org.postbus.fetcher.imap.message;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapPassContext;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.QuarantinePolicy.Cause;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ReadFailures;

/**
 * Reads messages of the selected mailbox and publishes them whole. What cannot be read is deferred ({@link UnreadMessages}), so that the others
 * are read and the cursor passes it.
 *
 * <p>A server that refuses a set of messages is asked for halves of it until the refused message is alone. A message that a successful answer left
 * out is asked for alone and then by SEARCH: only if neither shows it, it does not exist. A message that breaks the connection again and again
 * ({@link PoisonMessages}) is read alone and last. If the server refuses many in a row, it refuses everything at the moment, and the pass ends.
 *
 * <p>Belongs to one pass.
 */
public final class MessageReader {
    /** After this many single messages were refused in a row, they are not the cause. */
    private static final int REFUSED_IN_A_ROW_MAX = 8;
    /** So many of the messages that an answer left out are asked for one by one; more than these as a set. */
    private static final int SINGLY_MAX = 20;

    private final ImapPassContext pass;
    private final PoisonMessages poisonMessages;
    private final MessageFetch fetch;
    private final UnreadMessages unread;
    /** Mailboxes of which the server has returned a message in this pass. */
    private final Set<MailboxKey> returning = new HashSet<>();

    public MessageReader(
            ImapPassContext pass, FetcherContext context, PoisonMessages poisonMessages, MoveDetection moves) {
        this.pass = pass;
        this.poisonMessages = poisonMessages;
        this.unread = new UnreadMessages(pass);
        this.fetch = new MessageFetch(pass, context, moves, unread);
    }

    /**
     * Reads messages that are new.
     *
     * @param existing how many of the UIDs exist by the counts of the server; if so many were read, nothing was left out. Empty: all of them
     * @return the UIDs that were read or deferred; the others do not exist
     */
    public Set<Long> read(ImapMailbox mailbox, UidSet uids, OptionalLong existing) throws InterruptedException {
        Window window = new Window(mailbox);
        UidSet known = mailbox.notRead().uids();
        UidSet wanted = uids.minus(known);
        UidSet alone = wanted.and(poisonMessages.of(mailbox.key(), window.uidValidity));
        UidSet breaking = wanted.and(poisonMessages.proven(mailbox.key(), window.uidValidity));
        window.read(wanted.minus(alone), true);
        long skipped = uids.and(known).size() + alone.size();
        if (existing.isEmpty() || window.settled() + skipped < existing.getAsLong()) {
            window.askForLeftOut(wanted.minus(alone));
        }
        for (long uid : breaking.uids()) {
            boolean others = returning.contains(mailbox.key());
            window.defer(
                    uid, new Cause.Breaking(others), poisonMessages.reason(mailbox.key(), window.uidValidity, uid));
            poisonMessages.succeeded(mailbox.key(), window.uidValidity, UidSet.ofUids(uid));
        }
        // Each alone, and after all others: if it breaks the connection, those have been published.
        window.readEach(alone.minus(breaking));
        window.deferRefused();
        return window.settledUids();
    }

    /** Reads messages again that could not be read before. What does not exist any more is published as vanished. */
    public void retry(ImapMailbox mailbox, UidSet uids) throws InterruptedException {
        Window window = new Window(mailbox);
        Map<Long, ReadFailures> before = mailbox.notRead().all();
        window.retried = uids;
        // Before the first, which may break the connection. If this one does, nothing follows for the others.
        window.othersReturned = fetch.returnsAnother(mailbox);
        window.readEach(uids);
        window.deferRefused();
        mailbox.notRead()
                .remove(uid -> window.done.contains(uid)
                        && mailbox.notRead().of(uid).equals(Optional.ofNullable(before.get(uid))));
        UidSet gone = uids.minus(UidSet.ofUids(window.settledUids()));
        if (!gone.isEmpty()) {
            pass.session().publishVanished(mailbox, window.uidValidity, gone);
            mailbox.notRead().remove(gone::contains);
            mailbox.knowsMore(-gone.size());
        }
    }

    /** Some messages of one mailbox, and the outcome of reading them. */
    private final class Window {
        private final ImapMailbox mailbox;
        private final long uidValidity;
        /** What was returned. */
        private final Set<Long> done = new HashSet<>();

        private final Map<Long, String> refused = new HashMap<>();
        private final Set<Long> deferred = new HashSet<>();
        private UidSet retried = UidSet.EMPTY;
        private boolean othersReturned;
        private boolean oneByOne;
        private int refusedInARow;
        private int doneAtRefusal;

        Window(ImapMailbox mailbox) {
            this.mailbox = mailbox;
            this.uidValidity = mailbox.cursor().orElseThrow().uidValidity();
        }

        long settled() {
            return (long) done.size() + refused.size() + deferred.size();
        }

        Set<Long> settledUids() {
            Set<Long> settled = new HashSet<>(done);
            settled.addAll(deferred);
            return settled;
        }

        /** Without their structures, which may be what the server or our parser fails on. */
        void readEach(UidSet uids) throws InterruptedException {
            oneByOne = true;
            UidSet rest = uids;
            while (!rest.isEmpty()) {
                UidSet one = rest.lowest(1);
                rest = rest.minus(one);
                if (refusedInARow >= REFUSED_IN_A_ROW_MAX) {
                    // Not asked for, so this is no refusal of the message.
                    defer(one.first(), new Cause.Refused(false), "the server refuses many messages in a row");
                    continue;
                }
                read(one, false);
                askForLeftOut(one);
            }
        }

        void read(UidSet uids, boolean withStructures) throws InterruptedException {
            if (uids.isEmpty()) {
                return;
            }
            try {
                UidSet later = fetch.read(mailbox, uids, withStructures, done);
                while (!later.isEmpty()) {
                    UidSet some = later.lowest(LargeMessages.AT_ONCE);
                    later = later.minus(some).or(fetch.read(mailbox, some, withStructures, done));
                }
                poisonMessages.succeeded(mailbox.key(), uidValidity, uids);
            } catch (ServerException e) {
                UidSet unread = uids.minus(UidSet.ofUids(done));
                switch (e.failure()) {
                    case ServerFailure.Rejected refusal -> readInHalves(unread, withStructures, e);
                    case ServerFailure.Throttled slower -> {
                        if (slower.retryAfter().isPresent()) {
                            throw e;
                        }
                        readInHalves(unread, withStructures, e);
                    }
                    case ServerFailure.Unreachable broken -> {
                        failedAtFirst(unread, broken);
                        throw e;
                    }
                    case ServerFailure.LimitExceeded tooMuch -> {
                        failedAtFirst(unread, tooMuch);
                        throw e;
                    }
                    case ServerFailure.AuthRejected login -> throw e;
                    case ServerFailure.CursorLost lost -> throw e;
                    case ServerFailure.Conflict conflict -> throw e;
                    case ServerFailure.OutcomeUnknown unknown -> throw e;
                }
            } finally {
                if (!done.isEmpty()) {
                    returning.add(mailbox.key());
                }
            }
        }

        /** Servers answer in order: the connection failed at the first message that is missing. */
        private void failedAtFirst(UidSet missing, ServerFailure failure) throws InterruptedException {
            if (missing.isEmpty()) {
                return;
            }
            if (retried.contains(missing.first())) {
                defer(missing.first(), new Cause.Breaking(othersReturned), failure.text());
            } else {
                poisonMessages.failed(mailbox.key(), uidValidity, missing.first(), failure.text());
            }
        }

        private void readInHalves(UidSet uids, boolean withStructures, ServerException refusal)
                throws InterruptedException {
            if (uids.size() <= 1) {
                uids.forEach(uid -> refused.put(uid, refusal.failure().text()));
                refusedInARow = done.size() > doneAtRefusal ? 1 : refusedInARow + 1;
                doneAtRefusal = done.size();
                if (refusedInARow >= REFUSED_IN_A_ROW_MAX && !oneByOne) {
                    // They are read alone and last from now on: so a mailbox in which many are refused for ever is read
                    // in the end.
                    refused.forEach((uid, text) -> poisonMessages.failed(mailbox.key(), uidValidity, uid, text));
                    throw new ServerException(new ServerFailure.Throttled(
                            "the server returns no message: "
                                    + refusal.failure().text(),
                            Optional.empty()));
                }
                return;
            }
            UidSet lower = uids.lowest(uids.size() / 2);
            read(lower, withStructures);
            read(uids.minus(lower), withStructures);
        }

        /** What a successful answer left out is not gone: it is asked for alone, then by SEARCH. */
        void askForLeftOut(UidSet asked) throws InterruptedException {
            UidSet left = leftOf(asked);
            if (left.isEmpty() || pass.session().connection().messages() == 0) {
                return;
            }
            boolean singly = left.size() <= SINGLY_MAX;
            if (asked.size() > 1) {
                for (UidSet again : singly ? left.split(1) : left.split()) {
                    read(again, false);
                }
            }
            UidSet listed =
                    leftOf(left).isEmpty() ? UidSet.EMPTY : pass.session().existing(leftOf(left));
            if (!singly) {
                for (UidSet one : listed.lowest(SINGLY_MAX).split(1)) {
                    read(one, false);
                }
                if (!done.isEmpty()) {
                    read(leftOf(listed), false);
                }
            }
            UidSet silent = leftOf(listed);
            if (silent.size() >= REFUSED_IN_A_ROW_MAX && done.isEmpty()) {
                throw new ServerException(new ServerFailure.Throttled(
                        "the server lists " + silent.size() + " messages and returns none of them", Optional.empty()));
            }
            silent.forEach(uid -> refused.put(uid, "the server lists the message and does not return it"));
        }

        private UidSet leftOf(UidSet uids) {
            return uids.minus(UidSet.ofUids(done))
                    .minus(UidSet.ofUids(refused.keySet()))
                    .minus(UidSet.ofUids(deferred));
        }

        void deferRefused() throws InterruptedException {
            if (refused.isEmpty()) {
                return;
            }
            boolean others = othersReturned || returning.contains(mailbox.key()) || fetch.returnsAnother(mailbox);
            for (Map.Entry<Long, String> one : refused.entrySet()) {
                defer(one.getKey(), new Cause.Refused(others), one.getValue());
            }
        }

        private void defer(long uid, Cause cause, String reason) throws InterruptedException {
            pass.out().add(unread.failed(mailbox, uid, cause, reason));
            deferred.add(uid);
        }
    }
}
