package org.postbus.gateway.content;

import io.vertx.core.buffer.Buffer;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.postbus.account.AccountSettings;
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
import org.postbus.mail.mime.MimeLimits;
import org.postbus.mail.mime.MimeMessageReader;
import org.postbus.mail.mime.encoding.TransferDecoder;
import org.postbus.model.EmailBody;
import org.postbus.observation.UidRange;

/**
 * Content of an email on an IMAP server. The mailboxes that it lies in are tried one after the other: each says by its
 * UIDVALIDITY whether our UID still means this message. Blocks: for virtual threads.
 */
@ApplicationScoped
class ImapContent {
    /** Larger messages are not read whole for their body. */
    static final int WHOLE_OCTETS_MAX = 1 << 20;

    private static final Duration COMMAND_MAX = Duration.ofSeconds(30);
    /** Beyond this many texts of one email nobody reads on. */
    private static final int TEXT_PARTS_MAX = 20;

    /** Of one of them, encoded: more than is kept of all. */
    private static final int TEXT_OCTETS_MAX = 3 * EmailBody.TEXT_BYTES_MAX;

    private final ImapConnections connections;

    ImapContent(ImapConnections connections) {
        this.connections = connections;
    }

    /** What is done with a message that has been found; it leaves the connection as it was or fails. */
    private interface Reading<T> {
        T read(ImapConnection connection, long uid) throws InterruptedException;
    }

    OpenContent raw(EmailOnServer email, AccountSettings.Imap settings) throws InterruptedException {
        return atMessage(
                email,
                settings,
                true,
                (connection, uid) ->
                        open(email, connection, uid, Section.message(), "").orElseThrow(ImapContent::notThere));
    }

    FoundPart part(EmailOnServer email, AccountSettings.Imap settings, String partId) throws InterruptedException {
        return atMessage(email, settings, true, (connection, uid) -> {
            BodyStructure.Part part = structure(connection, uid)
                    .orElseThrow(() -> new ContentException(
                            new ContentFailure.Refused("the mail server does not say which parts the message has")))
                    .leaves()
                    .stream()
                    .filter(leaf -> leaf.partId().equals(partId))
                    .findFirst()
                    .orElseThrow(() -> new ContentException(new ContentFailure.NoSuchPart()));
            return new FoundPart(MimeMessageReader.described(part), openPart(email, connection, uid, part));
        });
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
                // UNKNOWN-CTE, or a server that can it for some parts only: then we do it.
            }
        }
        return open(email, connection, uid, Section.part(part.partId()), encoding)
                .orElseThrow(ImapContent::notThere);
    }

    /** Waits for the first portion. Empty if there is no such message or part. */
    private Optional<OpenContent> open(
            EmailOnServer email, ImapConnection connection, long uid, Section section, String encoding)
            throws InterruptedException {
        Portions<SectionChunk> portions = Portions.of(connection.uidFetchChunks(uid, section), Runnable::run);
        TransferDecoder decoder = TransferDecoder.of(encoding);
        try {
            Optional<SectionChunk> first = portions.next(OpenContent.SILENCE_MAX);
            long size = first.map(SectionChunk::size).orElse(0);
            return Optional.of(new OpenContent(
                    first.map(SectionChunk::octets),
                    decoder.isIdentity() ? OptionalLong.of(size) : OptionalLong.empty(),
                    () -> portions.next(OpenContent.SILENCE_MAX).map(SectionChunk::octets),
                    decoder,
                    whole -> {
                        portions.close();
                        leave(email, connection, whole);
                    }));
        } catch (ServerException e) {
            if (isNotThere(e)) {
                return Optional.empty();
            }
            throw e;
        } catch (InterruptedException e) {
            portions.close();
            throw e;
        }
    }

    /** @return what is kept, and what is shown now but is too little to be kept */
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
        // The header is in the database.
        return MimeMessageReader.parse(new byte[0], structure, texts, MimeLimits.DEFAULTS)
                .body();
    }

    private static byte[] content(ImapConnection connection, long uid, Section section) throws InterruptedException {
        Buffer all = Buffer.buffer();
        int most = section.octetsMax().orElseThrow();
        try (Portions<SectionChunk> portions =
                Portions.of(connection.uidFetchChunks(uid, section), Runnable::run)) {
            for (Optional<SectionChunk> next = portions.next(COMMAND_MAX);
                    next.isPresent();
                    next = portions.next(COMMAND_MAX)) {
                // Servers that do not know partial fetches send it all.
                Buffer octets = next.get().octets();
                all.appendBuffer(octets, 0, Math.min(octets.length(), most - all.length()));
            }
        }
        return all.getBytes();
    }

    private static Optional<BodyStructure> structure(ImapConnection connection, long uid) throws InterruptedException {
        List<FetchedMessage> messages = Waiting.on(
                connection
                        .uidFetch(List.of(new UidRange(uid, uid)), FetchItems.of(FetchItems.BODY_STRUCTURE))
                        .collect()
                        .asList(),
                COMMAND_MAX);
        return messages.stream()
                .filter(message -> message.uid() == uid)
                .findFirst()
                .orElseThrow(ImapContent::notThere)
                .bodyStructure();
    }

    /** @param goesOn the connection is in use after a success, and given back by what was read */
    private <T> T atMessage(EmailOnServer email, AccountSettings.Imap settings, boolean goesOn, Reading<T> reading)
            throws InterruptedException {
        ImapConnection connection = connections.take(email, settings);
        boolean usable = false;
        boolean handedOver = false;
        try {
            Optional<ServerException> refusal = Optional.empty();
            for (EmailOnServer.Link link : email.links()) {
                try {
                    SelectedMailbox mailbox =
                            Waiting.on(connection.select(new MailboxName(link.rawName()), true), COMMAND_MAX);
                    if (mailbox.uidValidity().orElse(0) == link.uidValidity()) {
                        T read = reading.read(connection, link.uid());
                        handedOver = goesOn;
                        usable = true;
                        return read;
                    }
                } catch (ServerException e) {
                    if (!(e.failure() instanceof ServerFailure.Rejected)) {
                        throw e;
                    }
                    refusal = isNotThere(e) ? refusal : Optional.of(e);
                }
            }
            usable = true;
            if (refusal.isPresent()) {
                throw refusal.get();
            }
            throw new ContentException(
                    new ContentFailure.Moved("the message is not where the mail server last said it was"));
        } catch (ContentException e) {
            usable = true;
            throw e;
        } finally {
            if (!handedOver) {
                leave(email, connection, usable);
            }
        }
    }

    private void leave(EmailOnServer email, ImapConnection connection, boolean usable) {
        if (usable) {
            connections.giveBack(email, connection);
        } else {
            connection.close();
        }
    }

    private static ServerException notThere() {
        return new ServerException(new ServerFailure.Rejected("NONEXISTENT", "the server has no such message"));
    }

    private static boolean isNotThere(ServerException e) {
        return e.failure() instanceof ServerFailure.Rejected(var code, var text) && code.equals("NONEXISTENT");
    }
}
