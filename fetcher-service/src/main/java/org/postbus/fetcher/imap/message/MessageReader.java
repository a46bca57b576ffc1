package org.postbus.fetcher.imap.message;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.jboss.logging.Logger;
import org.postbus.event.MailboxKey;
import org.postbus.event.Observation;
import org.postbus.event.UidRange;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapObservations;
import org.postbus.fetcher.imap.mailbox.MailboxSession;
import org.postbus.fetcher.publish.EncodedObservation;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.Inflow;
import org.postbus.fetcher.store.UidSet;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.Text;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.imap.grammar.FetchItem;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.model.AccountId;

/**
 * Reads messages of the open mailbox and publishes them whole. If the server refuses to hand out a window, it is halved until
 * the message that it stumbles over stands alone; that one is put aside ({@code quarantined_message}), and the
 * others are read. So is one that breaks the connection again and again ({@link PoisonMessages}), or that our own code stumbles over.
 */
public final class MessageReader {
    /** Of each message at once; what is longer is for {@link LargeMessages}. */
    static final int FIRST_OCTETS = 64 * 1024;
    /** Fetched messages that wait to be parsed, of {@link #FIRST_OCTETS} at most each. */
    private static final int AHEAD_MESSAGES = 32;

    private static final int PARSED_AT_ONCE = 8;
    /** Single messages refused, and none handed out: then it is not the messages. */
    private static final int REFUSED_MAX = 8;

    private static final Logger LOG = Logger.getLogger(MessageReader.class);

    private final AccountId account;
    private final MailboxSession visit;
    private final PoisonMessages suspects;
    private final LargeMessages largeMessages;
    private final MoveDetection moves;
    private final FetcherContext around;
    private final ObservationPublisher out;

    public MessageReader(
            AccountId account,
            MailboxSession visit,
            PoisonMessages suspects,
            MoveDetection moves,
            FetcherContext around,
            ObservationPublisher out) {
        this.moves = moves;
        this.suspects = suspects;
        this.account = account;
        this.visit = visit;
        this.largeMessages = new LargeMessages(account, visit.connection(), around.largeMessages());
        this.around = around;
        this.out = out;
    }

    /** @return those that were read or put aside; the others are not there any more, or could not be read this time */
    public Set<Long> read(ImapMailbox mailbox, UidSet uids) throws InterruptedException {
        long uidValidity = mailbox.cursor.orElseThrow().uidValidity();
        UidSet alone = uids.and(suspects.of(mailbox.key(), uidValidity));
        UidSet convicted = uids.and(suspects.convicted(mailbox.key(), uidValidity));
        Window window = new Window(mailbox, uidValidity);
        window.read(uids.minus(alone), true);
        for (UidRange range : convicted.ranges()) {
            for (long uid = range.first(); uid <= range.last(); uid++) {
                window.putAside(uid, suspects.reason(mailbox.key(), uidValidity, uid));
            }
        }
        // Each by itself, and after all others: should it break the connection, those are safe.
        UidSet rest = alone.minus(convicted);
        while (!rest.isEmpty()) {
            UidSet one = rest.lowest(1);
            rest = rest.minus(one);
            // Its structure may be what the server, or we, stumble over.
            window.read(one, false);
        }
        window.judge();
        return window.seen;
    }

    /** As {@link #read}, of messages that the server has listed: one of which it says nothing is put aside. */
    public void readListed(ImapMailbox mailbox, UidSet uids) throws InterruptedException {
        long uidValidity = mailbox.cursor.orElseThrow().uidValidity();
        UidSet silent = uids.minus(UidSet.ofUids(read(mailbox, uids))).minus(suspects.of(mailbox.key(), uidValidity));
        Window window = new Window(mailbox, uidValidity);
        for (UidRange range : silent.ranges()) {
            for (long uid = range.first(); uid <= range.last(); uid++) {
                window.putAside(uid, "the server lists the message but does not hand it out");
            }
        }
    }

    /** Some messages of one mailbox, and what became of them. */
    private final class Window {
        private final ImapMailbox mailbox;
        private final long uidValidity;
        private final Set<Long> seen = new HashSet<>();
        private final Map<Long, ServerFailure> refused = new LinkedHashMap<>();

        Window(ImapMailbox mailbox, long uidValidity) {
            this.mailbox = mailbox;
            this.uidValidity = uidValidity;
        }

        void read(UidSet uids, boolean structured) throws InterruptedException {
            if (uids.isEmpty()) {
                return;
            }
            try {
                UidSet later = readOnce(mailbox, uids, structured, seen);
                while (!later.isEmpty()) {
                    UidSet some = later.lowest(LargeMessages.AT_ONCE);
                    later = later.minus(some);
                    readOnce(mailbox, some, structured, seen);
                }
                suspects.acquit(mailbox.key(), uidValidity, uids);
            } catch (ServerException e) {
                UidSet unread = uids.minus(UidSet.ofUids(seen));
                switch (e.failure()) {
                    case ServerFailure.Rejected refusal -> halve(unread, structured, refusal);
                    case ServerFailure.Unreachable broken -> {
                        if (!unread.isEmpty()) {
                            // Servers answer in order: it broke at the first that did not come.
                            suspects.suspect(mailbox.key(), uidValidity, unread.first(), broken.text());
                        }
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

        private void halve(UidSet uids, boolean structured, ServerFailure.Rejected refusal)
                throws InterruptedException {
            if (uids.size() <= 1) {
                uids.forEach(uid -> refused.put(uid, refusal));
                if (refused.size() >= REFUSED_MAX && seen.isEmpty()) {
                    throw new ServerException(new ServerFailure.Throttled(
                            "no message is handed out: " + refusal.text(), Optional.empty()));
                }
                return;
            }
            UidSet lower = uids.lowest(uids.size() / 2);
            read(lower, structured);
            read(uids.minus(lower), structured);
        }

        /** Where others can be read, it is the message that is bad. Where none can, it may be the server: it is tried again. */
        void judge() throws InterruptedException {
            for (Map.Entry<Long, ServerFailure> one : refused.entrySet()) {
                long uid = one.getKey();
                String reason = one.getValue().text();
                suspects.suspect(mailbox.key(), uidValidity, uid, reason);
                boolean proven = !seen.isEmpty()
                        || suspects.convicted(mailbox.key(), uidValidity).contains(uid);
                if (proven) {
                    putAside(uid, reason);
                } else {
                    mailbox.known = OptionalLong.empty();
                }
            }
        }

        void putAside(long uid, String reason) throws InterruptedException {
            LOG.warnf("account %s: a message is put aside: %s", account, reason);
            out.add(new Observation.MessageQuarantined(
                    mailbox.key(),
                    uidValidity,
                    uid,
                    Text.cut(reason, Observation.MessageQuarantined.REASON_LENGTH_MAX)));
            mailbox.withheld.add(uid);
            seen.add(uid);
        }
    }

    /**
     * @param structured whether the structures of large messages may be asked for
     * @return large ones of which not even the beginning could be kept meanwhile
     */
    private UidSet readOnce(ImapMailbox mailbox, UidSet uids, boolean structured, Set<Long> seen)
            throws InterruptedException {
        List<FetchedMessage> large = new ArrayList<>();
        Set<Long> later = new HashSet<>();
        ArrayDeque<Future<EncodedObservation>> parsed = new ArrayDeque<>();
        ArrayDeque<Future<EncodedObservation>> held = new ArrayDeque<>();
        FetchItems items = items(FetchItems.bodyStart(FIRST_OCTETS));
        try {
            try (Inflow<FetchedMessage> messages =
                    Inflow.of(visit.connection().uidFetch(uids.ranges(), items), AHEAD_MESSAGES)) {
                for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                    FetchedMessage message = next.get();
                    if (!uids.contains(message.uid())
                            || message.body().isEmpty()
                            || message.flags().isEmpty()) {
                        // It went while it was read, or the server reports a flag in between.
                        continue;
                    }
                    byte[] beginning = message.body().get();
                    if (beginning.length < FIRST_OCTETS || message.size().orElse(Long.MAX_VALUE) <= FIRST_OCTETS) {
                        if (seen.add(message.uid())) {
                            (moves.holds(message) ? held : parsed)
                                    .add(parse(mailbox, message, new MessageContent.Whole(beginning)));
                        }
                        if (parsed.size() >= PARSED_AT_ONCE) {
                            publish(parsed.poll());
                        }
                    } else if (large.size() < LargeMessages.AT_ONCE) {
                        large.add(message);
                    } else {
                        later.add(message.uid());
                    }
                }
            }
            publishAll(parsed);
            readLarge(mailbox, large, structured, seen);
            moves.settle(mailbox);
            publishAll(held);
        } catch (ServerException e) {
            // They are among those that were seen, and nobody asks for them again.
            publishAll(parsed);
            publishAll(held);
            throw e;
        } finally {
            parsed.forEach(work -> work.cancel(true));
            held.forEach(work -> work.cancel(true));
        }
        return UidSet.ofUids(later);
    }

    private void publishAll(ArrayDeque<Future<EncodedObservation>> parsed) throws InterruptedException {
        while (!parsed.isEmpty()) {
            publish(parsed.poll());
        }
    }

    private void readLarge(ImapMailbox mailbox, List<FetchedMessage> large, boolean structured, Set<Long> seen)
            throws InterruptedException {
        UidSet unread = UidSet.ofUids(large.stream()
                .map(FetchedMessage::uid)
                .filter(uid -> !seen.contains(uid))
                .toList());
        Map<Long, BodyStructure> structures =
                structured && !unread.isEmpty() ? largeMessages.structures(unread) : Map.of();
        for (FetchedMessage start : large) {
            if (!seen.contains(start.uid())) {
                MessageContent content = largeMessages.content(start, Optional.ofNullable(structures.get(start.uid())));
                // One by one: it may be as large as they come.
                publish(parse(mailbox, start, content));
                seen.add(start.uid());
            }
        }
    }

    private Future<EncodedObservation> parse(ImapMailbox mailbox, FetchedMessage message, MessageContent content) {
        MailboxKey key = mailbox.key();
        long uidValidity = mailbox.cursor.orElseThrow().uidValidity();
        Set<MailboxKey> in = visit.labels().mailboxes(mailbox.observed, message).orElse(Set.of(key));
        return around.parsing().submit(() -> {
            try {
                return EncodedObservation.of(ImapObservations.observed(key, uidValidity, in, message, content));
            } catch (RuntimeException bug) {
                // One message that we cannot read must not keep all others of the account away.
                LOG.errorf(bug, "account %s: a message cannot be read", account);
                mailbox.withheld.add(message.uid());
                return EncodedObservation.of(new Observation.MessageQuarantined(
                        key,
                        uidValidity,
                        message.uid(),
                        "Postbus cannot read it: " + bug.getClass().getSimpleName()));
            }
        });
    }

    private void publish(Future<EncodedObservation> parsed) throws InterruptedException {
        try {
            out.add(parsed.get());
        } catch (ExecutionException e) {
            throw new IllegalStateException("a message could not be made an observation", e.getCause());
        }
    }

    private FetchItems items(FetchItem body) {
        Set<FetchItem> items =
                new LinkedHashSet<>(List.of(FetchItems.FLAGS, FetchItems.INTERNAL_DATE, FetchItems.SIZE));
        if (visit.keepsModSeqs()) {
            items.add(FetchItems.MOD_SEQ);
        }
        if (visit.connection().capabilities().has("X-GM-EXT-1")) {
            items.add(FetchItems.GMAIL);
        } else if (visit.connection().capabilities().has("OBJECTID")) {
            items.add(FetchItems.EMAIL_ID);
            items.add(FetchItems.THREAD_ID);
        }
        items.add(body);
        return new FetchItems(items, OptionalLong.empty());
    }
}
