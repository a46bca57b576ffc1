package org.postbus.fetcher.imap.message;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapPassContext;
import org.postbus.fetcher.publish.EncodedObservation;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.store.StoredImapState.CopyMarks;
import org.postbus.kit.concurrent.BoundedPull;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.FetchItem;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.memory.HeldBytes;
import org.postbus.observation.MailboxKey;

/**
 * Fetches messages with one UID FETCH, parses them on other threads and publishes them in order. Of each message at most {@link #FIRST_BYTES}
 * are fetched at first; the content of larger ones is completed by {@link LargeMessages}.
 */
final class MessageFetch {
    static final int FIRST_BYTES = 64 * 1024;
    /** Of fetched messages that wait to be parsed. */
    private static final long BYTES_AHEAD = 512 * 1024;

    private static final int PARSED_AT_ONCE = 8;
    private static final int PROBE_BYTES = 1024;

    private final ImapPassContext pass;
    private final LargeMessages largeMessages;
    private final MoveDetection moves;
    private final ExecutorService parsing;
    private final UnreadMessages unread;

    MessageFetch(ImapPassContext pass, FetcherContext context, MoveDetection moves, UnreadMessages unread) {
        this.pass = pass;
        this.unread = unread;
        this.moves = moves;
        this.largeMessages = new LargeMessages(
                pass.account(),
                pass.session().connection(),
                pass.out().tenantId(),
                context.bulkheads().largeMessages());
        this.parsing = context.parsing();
    }

    /**
     * Reads messages of the selected mailbox.
     *
     * @param withStructures whether to ask for the structures of large messages
     * @param done the UIDs of what is read are added, also if it fails: these have been published
     * @return large messages that were not read because too many beginnings of others were in memory
     */
    UidSet read(ImapMailbox mailbox, UidSet uids, boolean withStructures, Set<Long> done) throws InterruptedException {
        List<FetchedMessage> large = new ArrayList<>();
        Set<Long> later = new HashSet<>();
        ArrayDeque<Parsing> parsed = new ArrayDeque<>();
        ArrayDeque<Parsing> heldBack = new ArrayDeque<>();
        ArrayDeque<Undecided> undecided = new ArrayDeque<>();
        FetchItems items = items(FetchItems.bodyStart(FIRST_BYTES));
        HeldBytes.Share kept = pass.session().connection().keeping();
        try {
            try (BoundedPull<FetchedMessage> messages = pass.session().fetch(uids, items, BYTES_AHEAD)) {
                for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                    FetchedMessage message = next.get();
                    if (!uids.contains(message.uid())
                            || message.body().isEmpty()
                            || message.flags().isEmpty()) {
                        // Expunged while it was fetched, an unsolicited flag change, or an answer without what was
                        // asked for.
                        continue;
                    }
                    byte[] beginning = message.body().get();
                    // A message that has just this size is whole; a smaller RFC822.SIZE is wrong.
                    if (beginning.length < FIRST_BYTES || message.size().orElse(0) == FIRST_BYTES) {
                        if (done.add(message.uid())) {
                            kept.add(message.bytes());
                            Optional<CopyMarks> marks = moves.marks(mailbox, message);
                            Parsing parsing = parse(mailbox, message, new MessageContent.Whole(beginning));
                            if (marks.isPresent()) {
                                undecided.add(new Undecided(parsing, marks.get()));
                            } else {
                                parsed.add(parsing);
                            }
                        }
                        if (moves.isLookingDue()) {
                            holdLikelyCopies(mailbox, undecided, heldBack, kept);
                        }
                        if (parsed.size() >= PARSED_AT_ONCE) {
                            publish(parsed.poll(), kept);
                        }
                    } else if (large.size() < largeMessages.atOnce()) {
                        large.add(message);
                        kept.add(message.bytes());
                    } else {
                        later.add(message.uid());
                    }
                }
            }
            publishAll(parsed, kept);
            holdLikelyCopies(mailbox, undecided, heldBack, kept);
            readLarge(mailbox, large, withStructures, done, kept);
            moves.settle(mailbox);
            publishAll(heldBack, kept);
        } catch (ServerException e) {
            // They are among those that are done, so they are not fetched again.
            publishAll(parsed, kept);
            publishAll(heldBack, kept);
            for (Undecided one : undecided) {
                publish(one.parsing(), kept);
            }
            throw e;
        } finally {
            parsed.forEach(work -> work.observation().cancel(true));
            heldBack.forEach(work -> work.observation().cancel(true));
            undecided.forEach(work -> work.parsing().observation().cancel(true));
            kept.close();
        }
        return UidSet.ofUids(later);
    }

    /** Whether the server returns the beginning of a stored message of the selected mailbox: then those that it refuses may be the cause. */
    boolean returnsAnother(ImapMailbox mailbox) throws InterruptedException {
        OptionalLong stored = pass.stored()
                .newestUid(mailbox.key(), mailbox.cursor().orElseThrow().uidValidity());
        if (stored.isEmpty()) {
            return false;
        }
        UidSet one = UidSet.ofUids(stored.getAsLong());
        boolean returned = false;
        try (BoundedPull<FetchedMessage> messages =
                pass.session().fetch(one, FetchItems.of(FetchItems.bodyStart(PROBE_BYTES)))) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                returned |= one.contains(next.get().uid()) && next.get().body().isPresent();
            }
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected) && !(e.failure() instanceof ServerFailure.Throttled)) {
                throw e;
            }
        }
        return returned;
    }

    /** @param bytes of the message, which are counted until it is published */
    private record Parsing(Future<EncodedObservation> observation, long bytes) {}

    /** Whether it is a likely copy is not known yet. */
    private record Undecided(Parsing parsing, CopyMarks marks) {}

    private void holdLikelyCopies(
            ImapMailbox mailbox, ArrayDeque<Undecided> undecided, ArrayDeque<Parsing> heldBack, HeldBytes.Share kept)
            throws InterruptedException {
        Set<CopyMarks> likely = moves.likelyCopies(mailbox);
        while (!undecided.isEmpty()) {
            Undecided one = undecided.poll();
            if (likely.contains(one.marks())) {
                moves.holding(one.parsing().bytes());
                heldBack.add(one.parsing());
            } else {
                publish(one.parsing(), kept);
            }
        }
    }

    private void publishAll(ArrayDeque<Parsing> parsed, HeldBytes.Share kept) throws InterruptedException {
        while (!parsed.isEmpty()) {
            publish(parsed.poll(), kept);
        }
    }

    private void readLarge(
            ImapMailbox mailbox,
            List<FetchedMessage> large,
            boolean withStructures,
            Set<Long> done,
            HeldBytes.Share kept)
            throws InterruptedException {
        UidSet unread = UidSet.ofUids(large.stream()
                .map(FetchedMessage::uid)
                .filter(uid -> !done.contains(uid))
                .toList());
        Map<Long, BodyStructure> structures =
                withStructures && !unread.isEmpty() ? largeMessages.structures(unread) : Map.of();
        for (FetchedMessage start : large) {
            if (!done.contains(start.uid())) {
                MessageContent content = largeMessages.content(start, Optional.ofNullable(structures.get(start.uid())));
                // Published before the next is read, because each may be very large.
                publish(parse(mailbox, start, content), kept);
                done.add(start.uid());
            }
        }
    }

    private Parsing parse(ImapMailbox mailbox, FetchedMessage message, MessageContent content) {
        MailboxKey key = mailbox.key();
        long uidValidity = mailbox.cursor().orElseThrow().uidValidity();
        Set<MailboxKey> mailboxes = pass.session()
                .membership()
                .mailboxes(mailbox.observed(), message)
                .orElse(Set.of(key));
        Future<EncodedObservation> observation = parsing.submit(() -> {
            try {
                return EncodedObservation.of(FetchedEmails.observed(key, uidValidity, mailboxes, message, content));
            } catch (RuntimeException bug) {
                // One message that our parser fails on must not stop the account.
                return EncodedObservation.of(unread.ownError(mailbox, message.uid(), bug));
            }
        });
        return new Parsing(observation, message.bytes());
    }

    private void publish(Parsing parsed, HeldBytes.Share kept) throws InterruptedException {
        try {
            pass.out().add(parsed.observation().get());
            kept.add(-parsed.bytes());
        } catch (ExecutionException e) {
            throw new IllegalStateException("a message could not be encoded as an observation", e.getCause());
        }
    }

    private FetchItems items(FetchItem body) {
        Capabilities offered = pass.session().connection().capabilities();
        Set<FetchItem> items =
                new LinkedHashSet<>(List.of(FetchItems.FLAGS, FetchItems.INTERNAL_DATE, FetchItems.SIZE));
        if (pass.session().keepsModSeqs()) {
            items.add(FetchItems.MOD_SEQ);
        }
        if (offered.has("X-GM-EXT-1")) {
            items.add(FetchItems.GMAIL);
        } else if (offered.has("OBJECTID")) {
            items.add(FetchItems.EMAIL_ID);
            items.add(FetchItems.THREAD_ID);
        }
        items.add(body);
        return new FetchItems(items, OptionalLong.empty());
    }
}
