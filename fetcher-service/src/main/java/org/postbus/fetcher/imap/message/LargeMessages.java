package org.postbus.fetcher.imap.message;

import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.postbus.fetcher.source.Inflow;
import org.postbus.fetcher.store.UidSet;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.Section;
import org.postbus.mail.mime.LargeMessage;
import org.postbus.mail.mime.MimeLimits;
import org.postbus.model.AccountId;

/**
 * Content of messages of which only the beginning was fetched. The server's structure says what is in them, and of the rest only
 * the texts are fetched that do not lie in the beginning: none, most often. Where the structure is missing, refused or
 * contradicts the beginning, the message is read whole, and where it is too large for that, its body is left to be fetched on demand.
 */
public final class LargeMessages {
    /** Beginnings that are held at the same time. */
    public static final int AT_ONCE = 32;
    /** A message beyond this is never held whole. */
    public static final int WHOLE_OCTETS_MAX = 25 * 1024 * 1024;
    /** Other accounts may be reading messages whole, some from servers that take their time: none waits for them longer. */
    private static final Duration TURN_TIME_MAX = Duration.ofSeconds(5);

    private static final int AHEAD_STRUCTURES = 4;
    private static final int AHEAD_PORTIONS = 4;
    private static final Logger LOG = Logger.getLogger(LargeMessages.class);

    private final AccountId account;
    private final ImapConnection connection;
    private final Semaphore wholeAtOnce;

    LargeMessages(AccountId account, ImapConnection connection, Semaphore wholeAtOnce) {
        this.account = account;
        this.connection = connection;
        this.wholeAtOnce = wholeAtOnce;
    }

    /** The structures of at most {@link #AT_ONCE} messages, by UID; without those that the server does not tell. */
    Map<Long, BodyStructure> structures(UidSet uids) throws InterruptedException {
        Map<Long, BodyStructure> structures = new HashMap<>();
        try (Inflow<FetchedMessage> told = Inflow.of(
                connection.uidFetch(uids.ranges(), FetchItems.of(FetchItems.BODY_STRUCTURE)), AHEAD_STRUCTURES)) {
            for (Optional<FetchedMessage> next = told.next(); next.isPresent(); next = told.next()) {
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
        Optional<LargeMessage> known = structure.flatMap(told -> LargeMessage.of(beginning, told, MimeLimits.DEFAULTS));
        if (known.isPresent()) {
            try {
                return new MessageContent.InParts(known.get(), texts(start.uid(), known.get()));
            } catch (ServerException e) {
                unlessRejected(e);
            }
        }
        boolean holdable = start.size().orElse(Long.MAX_VALUE) <= WHOLE_OCTETS_MAX;
        if (!holdable || !wholeAtOnce.tryAcquire(TURN_TIME_MAX.toMillis(), TimeUnit.MILLISECONDS)) {
            return new MessageContent.Beginning(beginning);
        }
        try {
            Buffer raw = octets(start.uid(), Section.message(), WHOLE_OCTETS_MAX);
            return raw.length() < beginning.length
                    ? new MessageContent.Beginning(beginning)
                    : new MessageContent.Whole(raw.getBytes());
        } finally {
            wholeAtOnce.release();
        }
    }

    private Map<String, byte[]> texts(long uid, LargeMessage message) throws InterruptedException {
        Map<String, byte[]> texts = new LinkedHashMap<>();
        for (BodyStructure.Part part : message.wantedTexts()) {
            Buffer text = octets(uid, Section.part(part.partId()), LargeMessage.TEXT_OCTETS_MAX);
            if (text.length() == 0 && part.octets().orElse(0) > 0) {
                // Dovecot has nothing to say of parts that are not there.
                throw new ServerException(
                        new ServerFailure.Rejected("NONEXISTENT", "a text is not where the structure has it"));
            }
            texts.put(part.partId(), text.getBytes());
        }
        return texts;
    }

    private Buffer octets(long uid, Section section, int octetsMax) throws InterruptedException {
        Buffer all = Buffer.buffer();
        try (Inflow<Buffer> portions =
                Inflow.of(connection.uidFetchSection(uid, section.first(octetsMax)), AHEAD_PORTIONS)) {
            for (Optional<Buffer> next = portions.next(); next.isPresent(); next = portions.next()) {
                // Servers that do not know partial fetches send it all.
                all.appendBuffer(next.get(), 0, Math.min(next.get().length(), octetsMax - all.length()));
            }
        }
        return all;
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
