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
import java.util.TreeSet;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.UidRange;
import org.postbus.outbound.imap.plan.ImapPlan.Action;
import org.postbus.outbound.imap.plan.ImapPlan.MailboxWork;
import org.postbus.outbound.mutation.ServerSnapshot;

/**
 * Finds the messages that an earlier attempt has already copied or moved to their target, because COPY must not be repeated. A copy has the
 * same Message-ID and size; without a Message-ID the same size, INTERNALDATE (COPY keeps it, RFC 9051 section 6.4.7) and header. Only
 * emails that were tried before are searched for.
 */
final class CopyDetection {
    /** Messages with the same Message-ID, or of the same size, that are looked at. */
    private static final int FOUND_MAX = 1000;

    private final BlockingConnection connection;
    private final MailboxWork work;
    private final ServerSnapshot snapshot;
    private final PlanProgress progress;

    CopyDetection(BlockingConnection connection, MailboxWork work, ServerSnapshot snapshot, PlanProgress progress) {
        this.connection = connection;
        this.work = work;
        this.snapshot = snapshot;
        this.progress = progress;
    }

    /**
     * The work's mailbox is selected before and after.
     *
     * @return by target, the UIDs (in the work's mailbox) whose copy is there
     */
    Map<MailboxName, Set<Long>> find(FetchedState state) {
        Map<MailboxName, Set<Long>> searched = searched(state);
        if (searched.isEmpty()) {
            return Map.of();
        }
        Set<Long> all = new TreeSet<>();
        searched.values().forEach(all::addAll);
        Map<Long, FetchedMessage> sources = new HashMap<>();
        for (UidSet uids : BlockingConnection.commands(state.pending(all))) {
            connection
                    .fetch(uids, FetchItems.of(FetchItems.SIZE, FetchItems.INTERNAL_DATE))
                    .forEach(message -> sources.put(message.uid(), message));
        }
        Map<Long, HeaderDigest> headers = headers(sources.keySet().stream()
                .filter(uid -> messageId(uid).isEmpty())
                .toList());
        Map<MailboxName, Set<Long>> copied = new HashMap<>();
        searched.forEach((target, uids) -> {
            if (connection.examineIfExists(target)) {
                // Identical messages each need a copy of their own.
                Set<Long> taken = new HashSet<>();
                for (long uid : uids) {
                    copies(messageId(uid), Optional.ofNullable(sources.get(uid)), headers.get(uid)).stream()
                            .filter(taken::add)
                            .findFirst()
                            .ifPresent(copy -> copied.computeIfAbsent(target, t -> new HashSet<>())
                                    .add(uid));
                }
            }
        });
        connection.selectForWriting(work.mailbox());
        return copied;
    }

    /** The messages that an earlier attempt may have copied, by target. */
    private Map<MailboxName, Set<Long>> searched(FetchedState state) {
        Map<MailboxName, Set<Long>> searched = new HashMap<>();
        for (Action action : work.actions()) {
            Set<Long> uids = new TreeSet<>(action.uids());
            uids.removeIf(uid -> !progress.triedBefore(work.uids().get(uid)));
            if (uids.isEmpty()) {
                continue;
            }
            switch (action) {
                case Action.Copy copy ->
                    searched.computeIfAbsent(copy.target(), t -> new TreeSet<>())
                            .addAll(uids);
                case Action.Move move -> {
                    // A message that still exists here has not been moved.
                    uids.removeIf(state::exists);
                    if (!uids.isEmpty()) {
                        searched.computeIfAbsent(move.target(), t -> new TreeSet<>())
                                .addAll(uids);
                    }
                }
                case Action.Store store -> {}
                case Action.MarkDeleted delete -> {}
                case Action.Expunge expunge -> {}
                case Action.Label label -> {}
                // X-GM-MSGID survives a move, so the fetcher reports the new location.
                case Action.MoveAndLabel move -> {}
                case Action.MoveAndDestroy move -> {}
            }
        }
        return searched;
    }

    private Optional<String> messageId(long uid) {
        return snapshot.email(work.uids().get(uid)).flatMap(ServerSnapshot.EmailSnapshot::messageId);
    }

    /**
     * UIDs in the selected mailbox that may be the copy.
     *
     * @param source empty if the message has left its mailbox
     * @param header of the source; null if it has a Message-ID or the server did not send it: then there is no copy
     */
    private List<Long> copies(Optional<String> messageId, Optional<FetchedMessage> source, HeaderDigest header) {
        if (messageId.isEmpty() && (source.isEmpty() || source.get().size().isEmpty())) {
            return List.of();
        }
        List<UidRange> found = messageId.isPresent()
                ? connection.await(connection.imap().uidSearchMessageId("<" + messageId.get() + ">"))
                : connection.await(
                        connection.imap().uidSearchSize(source.get().size().getAsLong()));
        if (found.isEmpty()) {
            return List.of();
        }
        List<Long> alike = connection
                .fetch(UidSet.of(found).lowest(FOUND_MAX), FetchItems.of(FetchItems.SIZE, FetchItems.INTERNAL_DATE))
                .stream()
                .filter(message -> source.isEmpty()
                        || message.size().equals(source.get().size())
                                && (messageId.isPresent()
                                        || message.internalDate()
                                                .equals(source.get().internalDate())))
                .map(FetchedMessage::uid)
                .toList();
        if (messageId.isPresent()) {
            return alike;
        }
        Map<Long, HeaderDigest> headers = headers(alike);
        return alike.stream()
                .filter(uid -> header != null && header.equals(headers.get(uid)))
                .toList();
    }

    /** What identifies a header: the header itself may have a MiB, and there may be a thousand of them. */
    private record HeaderDigest(String sha256) {
        static HeaderDigest of(byte[] header) {
            try {
                return new HeaderDigest(HexFormat.of()
                        .formatHex(MessageDigest.getInstance("SHA-256").digest(header)));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every JDK has SHA-256", e);
            }
        }
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
