package org.postbus.fetcher.imap.message;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapPassContext;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.Text;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.Observation;
import org.postbus.observation.UidRange;

/**
 * Reads messages of the selected mailbox and publishes them whole, and decides which cannot be read. If the server refuses to return a set of
 * messages, the set is halved until the refused message is alone; that one is quarantined, and the others are read. So is a message that breaks
 * the connection again and again ({@link PoisonMessages}), and one that our own parser fails on. A quarantined message is tried again in a
 * full pass.
 */
public final class MessageReader {
    /** After this many single messages were refused and none was returned, the messages are not the cause. */
    private static final int REFUSED_MAX = 8;

    private static final Logger LOG = Logger.getLogger(MessageReader.class);

    private final ImapPassContext pass;
    private final PoisonMessages poisonMessages;
    private final MessageFetch fetch;

    public MessageReader(
            ImapPassContext pass, FetcherContext context, PoisonMessages poisonMessages, MoveDetection moves) {
        this.pass = pass;
        this.poisonMessages = poisonMessages;
        this.fetch = new MessageFetch(pass, context, moves);
    }

    /** Returns the UIDs that were read or quarantined; the others do not exist any more, or could not be read this time. */
    public Set<Long> read(ImapMailbox mailbox, UidSet uids) throws InterruptedException {
        long uidValidity = mailbox.cursor().orElseThrow().uidValidity();
        UidSet alone = uids.and(poisonMessages.of(mailbox.key(), uidValidity));
        UidSet proven = uids.and(poisonMessages.proven(mailbox.key(), uidValidity));
        Window window = new Window(mailbox, uidValidity);
        window.read(uids.minus(alone), true);
        for (UidRange range : proven.ranges()) {
            for (long uid = range.first(); uid <= range.last(); uid++) {
                window.quarantine(uid, poisonMessages.reason(mailbox.key(), uidValidity, uid));
            }
        }
        // Each alone, and after all others: if it breaks the connection, those have been published.
        UidSet rest = alone.minus(proven);
        while (!rest.isEmpty()) {
            UidSet one = rest.lowest(1);
            rest = rest.minus(one);
            // Without its structure, which may be what the server or our parser fails on.
            window.read(one, false);
        }
        window.quarantineRefused();
        return window.done;
    }

    /** As {@link #read}, for messages that the server has listed: those that it does not return are quarantined. */
    public void readListed(ImapMailbox mailbox, UidSet uids) throws InterruptedException {
        long uidValidity = mailbox.cursor().orElseThrow().uidValidity();
        UidSet notReturned =
                uids.minus(UidSet.ofUids(read(mailbox, uids))).minus(poisonMessages.of(mailbox.key(), uidValidity));
        Window window = new Window(mailbox, uidValidity);
        for (UidRange range : notReturned.ranges()) {
            for (long uid = range.first(); uid <= range.last(); uid++) {
                window.quarantine(uid, "the server lists the message but does not return it");
            }
        }
    }

    /** Some messages of one mailbox, and the outcome of reading them. */
    private final class Window {
        private final ImapMailbox mailbox;
        private final long uidValidity;
        private final Set<Long> done = new HashSet<>();
        private final Map<Long, ServerFailure> refused = new LinkedHashMap<>();

        Window(ImapMailbox mailbox, long uidValidity) {
            this.mailbox = mailbox;
            this.uidValidity = uidValidity;
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
                    case ServerFailure.Rejected refusal -> readInHalves(unread, withStructures, refusal);
                    case ServerFailure.Unreachable broken -> {
                        failedAtFirst(unread, broken);
                        throw e;
                    }
                    case ServerFailure.LimitExceeded tooMuch -> {
                        failedAtFirst(unread, tooMuch);
                        throw e;
                    }
                    case ServerFailure.Throttled slower -> throw e;
                    case ServerFailure.AuthRejected login -> throw e;
                    case ServerFailure.CursorLost lost -> throw e;
                    case ServerFailure.Conflict conflict -> throw e;
                    case ServerFailure.OutcomeUnknown unknown -> throw e;
                }
            }
        }

        /** Servers answer in order: the connection failed at the first message that is missing. */
        private void failedAtFirst(UidSet unread, ServerFailure failure) {
            if (!unread.isEmpty()) {
                poisonMessages.failed(mailbox.key(), uidValidity, unread.first(), failure.text());
            }
        }

        private void readInHalves(UidSet uids, boolean withStructures, ServerFailure.Rejected refusal)
                throws InterruptedException {
            if (uids.size() <= 1) {
                uids.forEach(uid -> refused.put(uid, refusal));
                if (refused.size() >= REFUSED_MAX && done.isEmpty()) {
                    throw new ServerException(new ServerFailure.Throttled(
                            "the server returns no message: " + refusal.text(), Optional.empty()));
                }
                return;
            }
            UidSet lower = uids.lowest(uids.size() / 2);
            read(lower, withStructures);
            read(uids.minus(lower), withStructures);
        }

        /** If others can be read, the refused message is the cause. If none can, it may be the server: the message is tried again. */
        void quarantineRefused() throws InterruptedException {
            for (Map.Entry<Long, ServerFailure> one : refused.entrySet()) {
                long uid = one.getKey();
                String reason = one.getValue().text();
                poisonMessages.failed(mailbox.key(), uidValidity, uid, reason);
                boolean proven = !done.isEmpty()
                        || poisonMessages.proven(mailbox.key(), uidValidity).contains(uid);
                if (proven) {
                    quarantine(uid, reason);
                } else {
                    mailbox.countIsUncertain();
                }
            }
        }

        void quarantine(long uid, String reason) throws InterruptedException {
            LOG.warnf("account %s: a message is quarantined: %s", pass.account(), reason);
            pass.out()
                    .add(new Observation.MessageQuarantined(
                            mailbox.key(),
                            uidValidity,
                            uid,
                            Text.cut(reason, Observation.MessageQuarantined.REASON_LENGTH_MAX)));
            mailbox.quarantine(uid);
            done.add(uid);
        }
    }
}
