package org.postbus.gateway.content;

import io.vertx.core.buffer.Buffer;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.postbus.account.AccountSettings;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.BoundedPull;
import org.postbus.kit.concurrent.ReadAhead;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.connection.SectionChunk;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Section;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.memory.HeldBytes;
import org.postbus.mail.mime.DecodedPart;
import org.postbus.mail.mime.MimeLimits;
import org.postbus.mail.mime.MimeMessageReader;
import org.postbus.mail.mime.encoding.TransferDecoder;
import org.postbus.model.EmailBody;
import org.postbus.observation.UidRange;

/**
 * Reads content of an email from an IMAP server. The email's locations are tried one after the other: the UIDVALIDITY of each mailbox shows
 * whether the stored UID still means this message. Blocks: for virtual threads.
 */
@ApplicationScoped
class ImapContent {
    /** Of a larger message only the shown texts are read for its body. */
    static final int WHOLE_OCTETS_MAX = 1 << 20;

    /** Of a message that is read whole because of one part. */
    static final int RAW_OCTETS_MAX = 16 << 20;

    private static final Duration COMMAND_TIME_MAX = Duration.ofSeconds(30);
    /** Texts of one email that are read. */
    private static final int TEXT_PARTS_MAX = 20;

    /** Of one text, before decoding: more than is stored of all texts together. */
    private static final int TEXT_OCTETS_MAX = 3 * EmailBody.TEXT_BYTES_MAX;

    private final ImapConnections connections;

    ImapContent(ImapConnections connections) {
        this.connections = connections;
    }

    /** Reads from a message that was found. After a success the connection can be used again. */
    private interface Reader<T> {
        T read(ImapConnection connection, long uid) throws InterruptedException;
    }

    OpenContent raw(EmailOnServer email, AccountSettings.Imap settings) throws InterruptedException {
        return atMessage(
                email,
                settings,
                true,
                (connection, uid) ->
                        open(email, connection, uid, Section.message(), "").orElseThrow(ImapContent::missing));
    }

    FoundPart part(EmailOnServer email, AccountSettings.Imap settings, String partId) throws InterruptedException {
        return atMessage(email, settings, true, (connection, uid) -> {
            Optional<BodyStructure> structure = structureUnlessRefused(connection, uid);
            Optional<BodyStructure.Part> part = structure.flatMap(known -> known.leaves().stream()
                    .filter(leaf -> leaf.partId().equals(partId))
                    .findFirst());
            if (part.isPresent()) {
                return new FoundPart(
                        MimeMessageReader.described(part.get()), openPart(email, connection, uid, part.get()));
            }
            boolean listed = email.body().map(body -> lists(body, partId)).orElse(structure.isEmpty());
            if (!listed) {
                throw new ContentException(new ContentFailure.NoSuchPart());
            }
            return partOfRaw(email, connection, uid, partId);
        });
    }

    private static boolean lists(EmailBody body, String partId) {
        return Stream.of(body.attachments(), body.textBody(), body.htmlBody())
                .flatMap(List::stream)
                .anyMatch(part -> part.partId().equals(partId));
    }

    /** A server's BODYSTRUCTURE may be missing, broken, or without a part that Postbus lists: then the raw message is read as when it was listed. */
    private FoundPart partOfRaw(EmailOnServer email, ImapConnection connection, long uid, String partId)
            throws InterruptedException {
        HeldBytes.Share kept = connection.keeping();
        try {
            return partOfRaw(email, connection, uid, partId, kept);
        } catch (InterruptedException | RuntimeException e) {
            kept.close();
            throw e;
        }
    }

    /** @param kept counts the memory until the content has been passed on */
    private FoundPart partOfRaw(
            EmailOnServer email, ImapConnection connection, long uid, String partId, HeldBytes.Share kept)
            throws InterruptedException {
        byte[] raw = content(connection, uid, Section.message().first(RAW_OCTETS_MAX));
        kept.set(2L * raw.length);
        if (raw.length >= RAW_OCTETS_MAX) {
            throw new ContentException(new ContentFailure.Refused(
                    "the mail server does not report the parts of the message, and it is too large to be read whole"));
        }
        DecodedPart part = MimeMessageReader.part(raw, partId, MimeLimits.DEFAULTS)
                .orElseThrow(() -> new ContentException(new ContentFailure.NoSuchPart()));
        kept.set(part.content().length);
        return new FoundPart(
                part.part(),
                new OpenContent(
                        part.content().length == 0 ? Optional.empty() : Optional.of(Buffer.buffer(part.content())),
                        OptionalLong.of(part.content().length),
                        Optional::empty,
                        TransferDecoder.of(""),
                        whole -> {
                            kept.close();
                            release(email, connection, true);
                        }));
    }

    private OpenContent openPart(EmailOnServer email, ImapConnection connection, long uid, BodyStructure.Part part)
            throws InterruptedException {
        String encoding = part.encoding().orElse("");
        boolean decodes = connection.capabilities().has("BINARY")
                || connection.capabilities().has("IMAP4REV2");
        if (decodes && !TransferDecoder.of(encoding).isIdentity()) {
            try {
                Optional<OpenContent> decoded = open(email, connection, uid, Section.decoded(part.partId()), "");
                if (decoded.isPresent()) {
                    return decoded.get();
                }
            } catch (ServerException e) {
                if (!(e.failure() instanceof ServerFailure.Rejected)) {
                    throw e;
                }
                // UNKNOWN-CTE, or the server decodes some parts only: decode here.
            }
        }
        return open(email, connection, uid, Section.part(part.partId()), encoding)
                .orElseThrow(ImapContent::missing);
    }

    private static BoundedPull<SectionChunk> chunks(ImapConnection connection, long uid, Section section) {
        HeldBytes.Share waiting = connection.keeping();
        return BoundedPull.of(
                connection.uidFetchChunks(uid, section),
                ReadAhead.<SectionChunk>ofBytes(
                                OpenContent.BYTES_AHEAD, chunk -> chunk.octets().length())
                        .counted(waiting::set, connection::isMemoryTight));
    }

    /** Waits for the first chunk. Empty if there is no such message or part. */
    private Optional<OpenContent> open(
            EmailOnServer email, ImapConnection connection, long uid, Section section, String encoding)
            throws InterruptedException {
        BoundedPull<SectionChunk> chunks = chunks(connection, uid, section);
        TransferDecoder decoder = TransferDecoder.of(encoding);
        try {
            Optional<SectionChunk> first = chunks.next(OpenContent.SILENCE_MAX, OpenContent::silent);
            long size = first.map(SectionChunk::size).orElse(0);
            return Optional.of(new OpenContent(
                    first.map(SectionChunk::octets),
                    decoder.isIdentity() ? OptionalLong.of(size) : OptionalLong.empty(),
                    () -> chunks.next(OpenContent.SILENCE_MAX, OpenContent::silent)
                            .map(SectionChunk::octets),
                    decoder,
                    whole -> {
                        chunks.close();
                        release(email, connection, whole);
                    }));
        } catch (ServerException e) {
            if (isMissing(e)) {
                return Optional.empty();
            }
            throw e;
        } catch (InterruptedException e) {
            chunks.close();
            throw e;
        }
    }

    /** Reads a small message whole, of a large one only the texts that are shown. */
    FetchedBody body(EmailOnServer email, AccountSettings.Imap settings) throws InterruptedException {
        return atMessage(email, settings, false, (connection, uid) -> {
            Optional<BodyStructure> structure =
                    email.size() <= WHOLE_OCTETS_MAX ? Optional.empty() : structure(connection, uid);
            if (structure.isPresent()) {
                return new FetchedBody(structuredBody(connection, uid, structure.get()), true);
            }
            byte[] raw = content(connection, uid, Section.message().first(WHOLE_OCTETS_MAX));
            return new FetchedBody(
                    MimeMessageReader.parse(raw, MimeLimits.DEFAULTS).body(), raw.length < WHOLE_OCTETS_MAX);
        });
    }

    private EmailBody structuredBody(ImapConnection connection, long uid, BodyStructure structure)
            throws InterruptedException {
        Map<String, byte[]> texts = new LinkedHashMap<>();
        List<BodyStructure.Part> wanted = MimeMessageReader.shownTexts(structure);
        for (BodyStructure.Part part : wanted.subList(0, Math.min(wanted.size(), TEXT_PARTS_MAX))) {
            texts.put(
                    part.partId(),
                    content(connection, uid, Section.part(part.partId()).first(TEXT_OCTETS_MAX)));
        }
        // Without the header, which is in the database.
        return MimeMessageReader.parse(new byte[0], structure, texts, MimeLimits.DEFAULTS)
                .body();
    }

    private static byte[] content(ImapConnection connection, long uid, Section section) throws InterruptedException {
        Buffer all = Buffer.buffer();
        int octetsMax = section.octetsMax().orElseThrow();
        try (HeldBytes.Share kept = connection.keeping();
                BoundedPull<SectionChunk> chunks = chunks(connection, uid, section)) {
            for (Optional<SectionChunk> next = chunks.next(COMMAND_TIME_MAX, OpenContent::silent);
                    next.isPresent();
                    next = chunks.next(COMMAND_TIME_MAX, OpenContent::silent)) {
                // A server without partial fetches sends everything.
                Buffer octets = next.get().octets();
                all.appendBuffer(octets, 0, Math.min(octets.length(), octetsMax - all.length()));
                kept.set(2L * all.length());
            }
        }
        return all.getBytes();
    }

    private static Optional<BodyStructure> structureUnlessRefused(ImapConnection connection, long uid)
            throws InterruptedException {
        try {
            return structure(connection, uid);
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected) || isMissing(e)) {
                throw e;
            }
            return Optional.empty();
        }
    }

    private static Optional<BodyStructure> structure(ImapConnection connection, long uid) throws InterruptedException {
        // The last one counts, and only one is kept.
        FetchedMessage message = Await.of(
                connection
                        .uidFetch(List.of(new UidRange(uid, uid)), FetchItems.of(FetchItems.BODY_STRUCTURE))
                        .collect()
                        .last(),
                COMMAND_TIME_MAX,
                ServerException::unreachable);
        if (message == null) {
            throw missing();
        }
        return message.bodyStructure();
    }

    /** @param streams after a success the connection is still in use, and what was read gives it back */
    private <T> T atMessage(EmailOnServer email, AccountSettings.Imap settings, boolean streams, Reader<T> reader)
            throws InterruptedException {
        ImapConnection connection = connections.take(email, settings);
        boolean usable = false;
        boolean handedOver = false;
        try {
            Optional<ServerException> refusal = Optional.empty();
            for (EmailOnServer.Link link : email.links()) {
                try {
                    SelectedMailbox mailbox = Await.of(
                            connection.select(new MailboxName(link.rawName()), true),
                            COMMAND_TIME_MAX,
                            ServerException::unreachable);
                    if (mailbox.uidValidity().orElse(0) == link.uidValidity()) {
                        T read = reader.read(connection, link.uid());
                        handedOver = streams;
                        usable = true;
                        return read;
                    }
                } catch (ServerException e) {
                    if (!(e.failure() instanceof ServerFailure.Rejected)) {
                        throw e;
                    }
                    refusal = isMissing(e) ? refusal : Optional.of(e);
                }
            }
            usable = true;
            if (refusal.isPresent()) {
                throw refusal.get();
            }
            throw new ContentException(new ContentFailure.Moved("the message is not at its last known location"));
        } catch (ContentException e) {
            usable = true;
            throw e;
        } finally {
            if (!handedOver) {
                release(email, connection, usable);
            }
        }
    }

    private void release(EmailOnServer email, ImapConnection connection, boolean usable) {
        if (usable) {
            connections.giveBack(email, connection);
        } else {
            connection.close();
        }
    }

    private static ServerException missing() {
        return new ServerException(new ServerFailure.Rejected("NONEXISTENT", "the server has no such message"));
    }

    private static boolean isMissing(ServerException e) {
        return e.failure() instanceof ServerFailure.Rejected(var code, var text) && code.equals("NONEXISTENT");
    }
}
