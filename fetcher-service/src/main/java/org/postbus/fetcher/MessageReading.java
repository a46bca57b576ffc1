package org.postbus.fetcher;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.jboss.logging.Logger;
import org.postbus.event.MailboxKey;
import org.postbus.event.UidRange;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.FetchItem;
import org.postbus.mail.imap.FetchItems;
import org.postbus.mail.imap.FetchedMessage;
import org.postbus.model.AccountId;

/**
 * Reads messages of the open mailbox and publishes them whole. If the server refuses to hand out a window, it is halved until
 * the message that it stumbles over stands alone; that one is withheld, and the others are read.
 */
final class MessageReading {
    /** Of each message at once; what is longer is fetched whole by itself. */
    static final int FIRST_OCTETS = 64 * 1024;
    /** A message beyond this is never held whole: its body is fetched on demand. */
    static final int WHOLE_OCTETS_MAX = 25 * 1024 * 1024;
    /** Fetched messages that wait to be parsed, of {@link #FIRST_OCTETS} at most each. */
    private static final int AHEAD_MESSAGES = 32;

    private static final int PARSED_AT_ONCE = 8;
    private static final Logger LOG = Logger.getLogger(MessageReading.class);

    private final AccountId account;
    private final ImapVisit visit;
    private final Surroundings around;
    private final ObservationPublisher out;

    MessageReading(AccountId account, ImapVisit visit, Surroundings around, ObservationPublisher out) {
        this.account = account;
        this.visit = visit;
        this.around = around;
        this.out = out;
    }

    /** @return those that are there, and those that are withheld */
    Set<Long> read(ImapMailbox mailbox, UidSet uids) throws InterruptedException {
        Set<Long> seen = new HashSet<>();
        read(mailbox, uids, seen);
        return seen;
    }

    private void read(ImapMailbox mailbox, UidSet uids, Set<Long> seen) throws InterruptedException {
        try {
            readOnce(mailbox, uids, seen);
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
            if (uids.size() == 1) {
                LOG.warnf(
                        "account %s: the server withholds a message: %s",
                        account, e.failure().text());
                mailbox.withheld.add(uids.first());
                seen.add(uids.first());
                return;
            }
            UidSet lower = uids.lowest(uids.size() / 2);
            read(mailbox, lower, seen);
            read(mailbox, uids.minus(lower), seen);
        }
    }

    private void readOnce(ImapMailbox mailbox, UidSet uids, Set<Long> seen) throws InterruptedException {
        List<FetchedMessage> large = new ArrayList<>();
        ArrayDeque<Future<EncodedObservation>> parsed = new ArrayDeque<>();
        FetchItems items = items(FetchItems.bodyStart(FIRST_OCTETS));
        try (Inflow<FetchedMessage> messages =
                Inflow.of(visit.connection().uidFetch(uids.ranges(), items), AHEAD_MESSAGES)) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                FetchedMessage message = next.get();
                if (!uids.contains(message.uid())) {
                    continue;
                }
                if (message.body().isEmpty() || message.flags().isEmpty()) {
                    // It went while it was read, or the server reports a flag in between.
                    continue;
                }
                if (message.body().get().length >= FIRST_OCTETS
                        && message.size().orElse(Long.MAX_VALUE) > FIRST_OCTETS) {
                    large.add(message);
                    continue;
                }
                if (seen.add(message.uid())) {
                    parsed.add(parse(mailbox, message, true));
                }
                if (parsed.size() >= PARSED_AT_ONCE) {
                    out.add(result(parsed.poll()));
                }
            }
            while (!parsed.isEmpty()) {
                out.add(result(parsed.poll()));
            }
        } finally {
            parsed.forEach(work -> work.cancel(true));
        }
        for (FetchedMessage start : large) {
            if (seen.contains(start.uid())) {
                continue;
            }
            out.add(large(mailbox, start));
            seen.add(start.uid());
        }
    }

    private EncodedObservation large(ImapMailbox mailbox, FetchedMessage start) throws InterruptedException {
        if (start.size().orElse(Long.MAX_VALUE) > WHOLE_OCTETS_MAX) {
            return result(parse(mailbox, start, false));
        }
        around.largeMessages().acquire();
        try {
            Optional<FetchedMessage> whole = readWhole(start.uid());
            return result(parse(mailbox, whole.orElse(start), whole.isPresent()));
        } finally {
            around.largeMessages().release();
        }
    }

    private Optional<FetchedMessage> readWhole(long uid) throws InterruptedException {
        Optional<FetchedMessage> whole = Optional.empty();
        try (Inflow<FetchedMessage> messages =
                Inflow.of(visit.connection().uidFetch(List.of(new UidRange(uid, uid)), items(FetchItems.BODY)), 1)) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                if (next.get().uid() == uid
                        && next.get().body().isPresent()
                        && next.get().flags().isPresent()) {
                    whole = next;
                }
            }
        }
        return whole;
    }

    private Future<EncodedObservation> parse(ImapMailbox mailbox, FetchedMessage message, boolean whole) {
        MailboxKey key = mailbox.key();
        long uidValidity = mailbox.cursor.orElseThrow().uidValidity();
        return around.parsing()
                .submit(() -> EncodedObservation.of(ImapEmails.observed(key, uidValidity, message, whole)));
    }

    private static EncodedObservation result(Future<EncodedObservation> parsed) throws InterruptedException {
        try {
            return parsed.get();
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
        if (visit.connection().capabilities().has("OBJECTID")) {
            items.add(FetchItems.EMAIL_ID);
            items.add(FetchItems.THREAD_ID);
        } else if (visit.connection().capabilities().has("X-GM-EXT-1")) {
            items.add(FetchItems.GMAIL);
        }
        items.add(body);
        return new FetchItems(items, OptionalLong.empty());
    }
}
