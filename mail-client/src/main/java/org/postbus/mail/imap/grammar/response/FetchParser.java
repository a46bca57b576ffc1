package org.postbus.mail.imap.grammar.response;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.UidSet;

/**
 * Reads FETCH (RFC 9051 section 7.5.2 and extensions). An item that it does not understand becomes one of {@link
 * FetchedMessage#unparsed}; the other items of the message are read all the same.
 */
final class FetchParser {
    /** X-GM-MSGID and X-GM-THRID have 20 digits at most. */
    private static final int GMAIL_ID_LENGTH_MAX = 64;
    /** Of one message: one is asked for. */
    private static final int SECTIONS_MAX = 20;

    private FetchParser() {}

    /** {@code message-data = nz-number SP ("EXPUNGE" / ("FETCH" SP msg-att))}; the number may be 0 from some servers. */
    static ImapResponse fetch(ImapReader in, long sequenceNumber) {
        MessageItems items = new MessageItems();
        try {
            in.expect('(');
            while (true) {
                in.skipSpaces();
                if (in.take(')')) {
                    break;
                }
                item(in, items);
            }
        } catch (ImapSyntaxException e) {
            String rest = in.rest();
            items.unterminated = rest.isEmpty();
            items.unparsed("", rest.getBytes(StandardCharsets.ISO_8859_1));
        }
        if (items.uid < 1 || items.uid > UidSet.UID_MAX) {
            return new ImapResponse.FetchWithoutUid(sequenceNumber, items.flags, items.modSeq);
        }
        return new ImapResponse.Fetch(
                sequenceNumber, items.message(), items.stateOnly, items.unterminated, items.sections);
    }

    private static void item(ImapReader in, MessageItems items) {
        String name = in.itemName();
        if (in.peek() == '[') {
            String section = in.section();
            section(in, name + section.substring(0, section.lastIndexOf(']') + 1), items);
            // RFC 9051: the answer to <0.n> has <0>; some servers repeat the length.
            name += section.startsWith("[]<0.") ? "[]<0>" : section;
        }
        if (name.isEmpty()) {
            throw new ImapSyntaxException("expected the name of an item");
        }
        items.stateOnly &= name.equals("UID") || name.equals("FLAGS") || name.equals("MODSEQ");
        in.skipSpaces();
        ImapReader.Mark value = in.mark();
        try {
            if (known(name, in, items)) {
                return;
            }
        } catch (ImapSyntaxException e) {
            // Kept below as it came.
        }
        in.reset(value);
        items.unparsed(name, AnyValue.raw(in));
    }

    /**
     * Notes the content under its name without origin, in addition to what becomes of the item; the position does not
     * change.
     */
    private static void section(ImapReader in, String name, MessageItems items) {
        ImapReader.Mark value = in.mark();
        try {
            in.skipSpaces();
            items.section(name.replace(".PEEK[", "["), Optional.ofNullable(in.nstring()));
        } catch (ImapSyntaxException e) {
            // Then it is no content, and kept unparsed.
            in.reset(value);
        }
        in.reset(value);
    }

    private static boolean known(String name, ImapReader in, MessageItems items) {
        switch (name) {
            case "UID" -> items.uid = ended(in, in.number());
            case "FLAGS" -> items.flags = ended(in, Optional.of(Set.copyOf(in.flags())));
            case "INTERNALDATE" ->
                items.internalDate =
                        ended(in, Optional.of(InternalDateParser.dateTime(ImapReader.latin1(in.string()))));
            case "RFC822.SIZE" -> items.size = ended(in, size(in));
            case "MODSEQ" -> items.modSeq = ended(in, modSeq(in));
            case "EMAILID" -> items.emailId = ended(in, in.objectId());
            case "THREADID" -> items.threadId = ended(in, in.objectId());
            case "X-GM-MSGID" -> items.gmailMessageId = ended(in, text(in.nstring()));
            case "X-GM-THRID" -> items.gmailThreadId = ended(in, text(in.nstring()));
            case "X-GM-LABELS" -> items.gmailLabels = ended(in, Optional.of(labels(in)));
            case "BODY[HEADER]", "BODY.PEEK[HEADER]", "RFC822.HEADER" ->
                items.header = ended(in, Optional.ofNullable(in.nstring()));
            case "BODY[]", "BODY[]<0>", "BODY.PEEK[]", "BODY.PEEK[]<0>", "RFC822" ->
                items.body = ended(in, Optional.ofNullable(in.nstring()));
            case "BODYSTRUCTURE", "BODY" ->
                items.bodyStructure = ended(in, Optional.of(BodyStructureReader.read(AnyValue.read(in))));
            default -> {
                return false;
            }
        }
        return true;
    }

    /** The value, if nothing but a space, the end of the list or of the response follows: {@code UID 5x} is not UID 5. */
    private static <T> T ended(ImapReader in, T value) {
        if (!in.atEnd() && in.peek() != ' ' && in.peek() != ')') {
            throw new ImapSyntaxException("expected the end of a value");
        }
        return value;
    }

    private static OptionalLong size(ImapReader in) {
        long size = in.number();
        if (in.take('.') && in.atDigit()) { // mail.ru: 1234.0
            in.number();
        }
        return size < 0 ? OptionalLong.empty() : OptionalLong.of(size);
    }

    /** {@code "MODSEQ" SP "(" permsg-modsequence ")"}; 0 and -1 come from Zoho. */
    private static OptionalLong modSeq(ImapReader in) {
        boolean list = in.take('(');
        in.skipSpaces();
        long modSeq = in.number();
        in.skipSpaces();
        if (list) {
            in.expect(')');
        }
        return modSeq < 1 ? OptionalLong.empty() : OptionalLong.of(modSeq);
    }

    private static Set<String> labels(ImapReader in) {
        Set<String> labels = new LinkedHashSet<>();
        in.strings().forEach(label -> labels.add(ImapReader.latin1(label)));
        return Collections.unmodifiableSet(labels);
    }

    private static Optional<String> text(byte[] octets) {
        return Optional.ofNullable(octets)
                .filter(id -> id.length <= GMAIL_ID_LENGTH_MAX)
                .map(ImapReader::latin1);
    }

    /** The items of one message, while its response is read. */
    private static final class MessageItems {
        private boolean stateOnly = true;
        private boolean unterminated;
        private long uid;
        private Optional<Set<ImapFlag>> flags = Optional.empty();
        private Optional<Instant> internalDate = Optional.empty();
        private OptionalLong size = OptionalLong.empty();
        private OptionalLong modSeq = OptionalLong.empty();
        private Optional<String> emailId = Optional.empty();
        private Optional<String> threadId = Optional.empty();
        private Optional<String> gmailMessageId = Optional.empty();
        private Optional<String> gmailThreadId = Optional.empty();
        private Optional<Set<String>> gmailLabels = Optional.empty();
        private Optional<byte[]> header = Optional.empty();
        private Optional<byte[]> body = Optional.empty();
        private Optional<BodyStructure> bodyStructure = Optional.empty();
        private Map<String, Optional<byte[]>> sections = Map.of();
        private Map<String, byte[]> unparsed = Map.of();

        private void section(String name, Optional<byte[]> content) {
            if (sections.size() == SECTIONS_MAX) {
                return;
            }
            if (sections.isEmpty()) {
                sections = new HashMap<>();
            }
            sections.put(name, content);
        }

        private void unparsed(String name, byte[] value) {
            if (unparsed.size() == SECTIONS_MAX) {
                return;
            }
            if (unparsed.isEmpty()) {
                unparsed = new LinkedHashMap<>();
            }
            unparsed.put(name, value);
        }

        private FetchedMessage message() {
            boolean gmail = gmailMessageId.isPresent() || gmailThreadId.isPresent() || gmailLabels.isPresent();
            return new FetchedMessage(
                    uid,
                    flags,
                    internalDate,
                    size,
                    modSeq,
                    emailId,
                    threadId,
                    gmail
                            ? Optional.of(new FetchedMessage.Gmail(gmailMessageId, gmailThreadId, gmailLabels))
                            : Optional.empty(),
                    header,
                    body,
                    bodyStructure,
                    Collections.unmodifiableMap(unparsed));
        }
    }
}
