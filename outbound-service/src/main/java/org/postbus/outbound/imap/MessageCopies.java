package org.postbus.outbound.imap;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.UidRange;
import org.postbus.outbound.imap.plan.ImapPlan.MailboxWork;
import org.postbus.outbound.mutation.ServerSnapshot;

/**
 * Reads a mailbox to find out whether it holds copies of messages of another one. A copy has the same Message-ID and size; without a Message-ID
 * the same size, INTERNALDATE (COPY keeps it, RFC 9051 section 6.4.7) and header.
 */
final class MessageCopies {
    /** Messages with the same Message-ID, or of the same size, that are looked at. */
    private static final int FOUND_MAX = 1000;

    private final BlockingConnection connection;
    private final MailboxWork work;
    private final ServerSnapshot snapshot;

    MessageCopies(BlockingConnection connection, MailboxWork work, ServerSnapshot snapshot) {
        this.connection = connection;
        this.work = work;
        this.snapshot = snapshot;
    }

    /** What identifies the messages of the work's mailbox, by UID. A message that is gone is in neither map. */
    record Originals(Map<Long, FetchedMessage> messages, Map<Long, HeaderDigest> headers) {
        static final Originals UNKNOWN = new Originals(Map.of(), Map.of());
    }

    /** What identifies a header: the header itself may have a MiB, and there may be a thousand of them. */
    record HeaderDigest(String sha256) {
        private static HeaderDigest of(byte[] header) {
            try {
                return new HeaderDigest(HexFormat.of()
                        .formatHex(MessageDigest.getInstance("SHA-256").digest(header)));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every JDK has SHA-256", e);
            }
        }
    }

    boolean hasMessageId(long uid) {
        return messageId(uid).isPresent();
    }

    /** The work's mailbox is selected. */
    Originals originals(Collection<Long> uids) {
        Map<Long, FetchedMessage> messages = new HashMap<>();
        for (UidSet set : BlockingConnection.commands(uids)) {
            connection
                    .fetch(set, FetchItems.of(FetchItems.SIZE, FetchItems.INTERNAL_DATE))
                    .forEach(message -> messages.put(message.uid(), message));
        }
        return new Originals(
                messages,
                headers(messages.keySet().stream()
                        .filter(uid -> !hasMessageId(uid))
                        .toList()));
    }

    /**
     * Leaves the target selected, read-only.
     *
     * @param uids in the work's mailbox
     * @param others UIDs in the target that are the copies of other messages
     * @return by UID in the work's mailbox, the UID of its copy in the target. Identical messages each have a copy of their own
     */
    Map<Long, Long> in(MailboxName target, Collection<Long> uids, Originals originals, Collection<Long> others) {
        Map<Long, Long> found = new TreeMap<>();
        if (!uids.isEmpty() && connection.examineIfExists(target)) {
            Set<Long> taken = new HashSet<>(others);
            for (long uid : new TreeSet<>(uids)) {
                alike(uid, originals).stream().filter(taken::add).findFirst().ifPresent(copy -> found.put(uid, copy));
            }
        }
        return found;
    }

    /** UIDs in the selected mailbox that may be copies of the message. */
    List<Long> alike(long uid, Originals originals) {
        Optional<String> messageId = messageId(uid);
        Optional<FetchedMessage> original =
                Optional.ofNullable(originals.messages().get(uid));
        if (messageId.isEmpty() && (original.isEmpty() || original.get().size().isEmpty())) {
            return List.of();
        }
        List<UidRange> found = messageId.isPresent()
                ? connection.await(connection.imap().uidSearchMessageId("<" + messageId.get() + ">"))
                : connection.await(
                        connection.imap().uidSearchSize(original.get().size().getAsLong()));
        if (found.isEmpty()) {
            return List.of();
        }
        List<Long> alike = connection
                .fetch(UidSet.of(found).lowest(FOUND_MAX), FetchItems.of(FetchItems.SIZE, FetchItems.INTERNAL_DATE))
                .stream()
                .filter(message -> original.isEmpty() || isAlike(message, original.get(), messageId.isPresent()))
                .map(FetchedMessage::uid)
                .toList();
        if (messageId.isPresent()) {
            return alike;
        }
        // Where the server did not send the header there is no copy.
        HeaderDigest header = originals.headers().get(uid);
        Map<Long, HeaderDigest> headers = headers(alike);
        return alike.stream()
                .filter(copy -> header != null && header.equals(headers.get(copy)))
                .toList();
    }

    private static boolean isAlike(FetchedMessage message, FetchedMessage original, boolean sameMessageId) {
        return message.size().equals(original.size())
                && (sameMessageId || message.internalDate().equals(original.internalDate()));
    }

    private Optional<String> messageId(long uid) {
        return snapshot.email(work.uids().get(uid)).flatMap(ServerSnapshot.EmailSnapshot::messageId);
    }

    private Map<Long, HeaderDigest> headers(Collection<Long> uids) {
        record Taken(long uid, Optional<HeaderDigest> digest) {}
        Map<Long, HeaderDigest> headers = new HashMap<>();
        for (UidSet set : BlockingConnection.commands(uids)) {
            connection
                    .fetch(
                            set,
                            FetchItems.of(FetchItems.HEADER),
                            message -> new Taken(message.uid(), message.header().map(HeaderDigest::of)))
                    .forEach(one -> one.digest().ifPresent(digest -> headers.put(one.uid(), digest)));
        }
        return headers;
    }
}
