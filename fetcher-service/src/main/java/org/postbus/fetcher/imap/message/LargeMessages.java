package org.postbus.fetcher.imap.message;

import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.postbus.kit.concurrent.BoundedPull;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.kit.concurrent.ReadAhead;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.Section;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.memory.HeldBytes;
import org.postbus.mail.mime.LargeMessage;
import org.postbus.mail.mime.MimeLimits;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * The content of messages of which only the beginning was fetched. Their BODYSTRUCTURE shows their parts, and of the rest only those texts are
 * fetched that are not in the beginning: usually none. Where the structure is missing, refused or contradicts the beginning, the message is read
 * whole; where it is too large for that, it is published without its body, which is fetched on demand.
 */
public final class LargeMessages {
    /** Beginnings in memory at the same time. */
    static final int AT_ONCE = 32;
    /** The same, while memory is short. */
    private static final int AT_ONCE_IF_TIGHT = 4;

    /** A larger message is never held in memory whole. */
    public static final int WHOLE_BYTES_MAX = 25 * 1024 * 1024;
    /** The longest wait for other accounts, which may be reading whole messages from slow servers. */
    private static final Duration PERMIT_TIME_MAX = Duration.ofSeconds(5);

    private static final long STRUCTURES_BYTES_AHEAD = 256 * 1024;
    private static final long CHUNKS_BYTES_AHEAD = 256 * 1024;
    /** A whole message takes its size for its chunks, once more for all together, and once more to be parsed. */
    private static final int WHOLE_FACTOR = 3;
    /** What one whole message may take of the memory for what all servers send. */
    private static final int WHOLE_SHARE = 2;

    private static final Logger LOG = Logger.getLogger(LargeMessages.class);

    private final AccountId account;
    private final ImapConnection connection;
    private final TenantId tenant;
    private final FairPermits<TenantId> wholeAtOnce;

    LargeMessages(AccountId account, ImapConnection connection, TenantId tenant, FairPermits<TenantId> wholeAtOnce) {
        this.tenant = tenant;
        this.account = account;
        this.connection = connection;
        this.wholeAtOnce = wholeAtOnce;
    }

    /** Beginnings that may be in memory at the same time now, at least one. */
    int atOnce() {
        return connection.isMemoryTight() ? AT_ONCE_IF_TIGHT : AT_ONCE;
    }

    /** The structures of at most {@link #AT_ONCE} messages, by UID; those that the server does not report are left out. */
    Map<Long, BodyStructure> structures(UidSet uids) throws InterruptedException {
        Map<Long, BodyStructure> structures = new HashMap<>();
        HeldBytes.Share waiting = connection.keeping();
        try (BoundedPull<FetchedMessage> fetched = BoundedPull.of(
                connection.uidFetch(uids.ranges(), FetchItems.of(FetchItems.BODY_STRUCTURE)),
                ReadAhead.<FetchedMessage>ofBytes(STRUCTURES_BYTES_AHEAD, FetchedMessage::bytes)
                        .counted(waiting::set, connection::isMemoryTight))) {
            for (Optional<FetchedMessage> next = fetched.next(); next.isPresent(); next = fetched.next()) {
                FetchedMessage message = next.get();
                message.bodyStructure().ifPresent(structure -> structures.put(message.uid(), structure));
            }
        } catch (ServerException e) {
            unlessRejected(e);
        }
        return structures;
    }

    /** @param start the message as far as it was fetched */
    public MessageContent content(FetchedMessage start, Optional<BodyStructure> structure) throws InterruptedException {
        byte[] beginning = start.body().orElseThrow();
        Optional<LargeMessage> known =
                structure.flatMap(reported -> LargeMessage.of(beginning, reported, MimeLimits.DEFAULTS));
        if (known.isPresent()) {
            try {
                return new MessageContent.InParts(known.get(), texts(start.uid(), known.get()));
            } catch (ServerException e) {
                unlessRejected(e);
            }
        }
        long wholeMax = Math.min(WHOLE_BYTES_MAX, connection.memoryMax() / (WHOLE_FACTOR * WHOLE_SHARE));
        boolean holdable = start.size().orElse(Long.MAX_VALUE) <= wholeMax;
        var permit = holdable
                ? wholeAtOnce.tryAcquire(tenant, PERMIT_TIME_MAX)
                : Optional.<FairPermits<TenantId>.Permit>empty();
        if (permit.isEmpty()) {
            return new MessageContent.Beginning(beginning);
        }
        try (var held = permit.get()) {
            byte[] raw = section(start.uid(), Section.message(), (int) wholeMax);
            // The size that the server names may be wrong: what reaches the limit is cut.
            return raw.length < beginning.length || raw.length >= wholeMax
                    ? new MessageContent.Beginning(beginning)
                    : new MessageContent.Whole(raw);
        }
    }

    private Map<String, byte[]> texts(long uid, LargeMessage message) throws InterruptedException {
        Map<String, byte[]> texts = new LinkedHashMap<>();
        for (BodyStructure.Part part : message.wantedTexts()) {
            byte[] text = section(uid, Section.part(part.partId()), LargeMessage.TEXT_OCTETS_MAX);
            if (text.length == 0 && part.octets().orElse(0) > 0) {
                // Dovecot returns an empty text for a part that does not exist.
                throw new ServerException(
                        new ServerFailure.Rejected("NONEXISTENT", "the structure names a text that does not exist"));
            }
            texts.put(part.partId(), text);
        }
        return texts;
    }

    private byte[] section(long uid, Section section, int bytesMax) throws InterruptedException {
        List<Buffer> all = new ArrayList<>();
        int length = 0;
        HeldBytes.Share waiting = connection.keeping();
        try (HeldBytes.Share kept = connection.keeping();
                BoundedPull<Buffer> chunks = BoundedPull.of(
                        connection.uidFetchSection(uid, section.first(bytesMax)),
                        ReadAhead.<Buffer>ofBytes(CHUNKS_BYTES_AHEAD, Buffer::length)
                                .counted(waiting::set, connection::isMemoryTight))) {
            for (Optional<Buffer> next = chunks.next(); next.isPresent(); next = chunks.next()) {
                all.add(next.get());
                length += next.get().length();
                kept.set((long) WHOLE_FACTOR * length);
            }
        }
        byte[] joined = new byte[length];
        int at = 0;
        for (Buffer chunk : all) {
            chunk.getBytes(joined, at);
            at += chunk.length();
        }
        return joined;
    }

    private void unlessRejected(ServerException e) {
        if (!(e.failure() instanceof ServerFailure.Rejected)) {
            throw e;
        }
        LOG.debugf(
                "account %s: the parts of a message are refused: %s",
                account, e.failure().text());
    }
}
