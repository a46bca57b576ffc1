package org.postbus.mail.imap.grammar.response;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;
import org.postbus.event.UidRange;
import org.postbus.mail.imap.framing.ImapFrame;
import org.postbus.mail.imap.grammar.AppendedUid;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.CopiedUids;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.mail.imap.grammar.Namespaces;
import org.postbus.mail.imap.grammar.UidSets;
import org.postbus.mail.imap.grammar.response.ImapResponse.Condition;

/**
 * Makes a response of a frame. It never fails: what it does not understand becomes {@link ImapResponse.Unknown}, and within a message an item of {@link FetchedMessage#unparsed}, so that one malformed message never
 * hides the others.
 */
public final class ImapParser {
    private static final int UNKNOWN_TEXT_MAX = 200;
    /** Octets of human text that are kept: nobody reads more. */
    private static final int TEXT_MAX = 1000;
    /** {@code objectid = 1*255(ALPHA / DIGIT / "_" / "-")} (RFC 8474 section 7) */
    private static final Pattern OBJECT_ID = Pattern.compile("[A-Za-z0-9_-]{1,255}");

    private static final String MONTHS = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";

    private final int nestingMax;

    public ImapParser(int nestingMax) {
        this.nestingMax = nestingMax;
    }

    public ImapResponse parse(ImapFrame frame) {
        ImapReader in = new ImapReader(frame, nestingMax);
        try {
            if (in.take('+')) {
                return new ImapResponse.Continuation(in.rest());
            }
            if (in.take('*')) {
                in.skipSpaces();
                return untagged(in, frame);
            }
            String tag = in.keyword();
            in.skipSpaces();
            Optional<Condition> condition = condition(in.keyword());
            if (condition.isPresent()) {
                Optional<ResponseCode> code = code(in);
                return new ImapResponse.Tagged(tag, condition.get(), code, text(in));
            }
        } catch (ImapSyntaxException e) {
            return unknown(frame);
        }
        return unknown(frame);
    }

    private ImapResponse untagged(ImapReader in, ImapFrame frame) {
        if (in.peek() == '[') {
            Optional<ResponseCode> code = code(in);
            return new ImapResponse.Status(Condition.OK, code, text(in));
        }
        if (in.atDigit()) {
            long number = in.number();
            in.skipSpaces();
            return numbered(in, number, frame);
        }
        String name = in.keyword();
        Optional<Condition> condition = condition(name);
        if (condition.isPresent()) {
            Optional<ResponseCode> code = code(in);
            return new ImapResponse.Status(condition.get(), code, text(in));
        }
        in.skipSpaces();
        return switch (name) {
            case "CAPABILITY" -> new ImapResponse.Capability(capabilities(in.rest()));
            case "ENABLED" -> new ImapResponse.Enabled(words(in.rest()));
            case "LIST", "XLIST" -> listed(in, false);
            case "LSUB" -> listed(in, true);
            case "STATUS" -> status(in);
            case "NAMESPACE" -> namespaces(in);
            case "FLAGS" -> new ImapResponse.Flags(Set.copyOf(in.flags()));
            case "SEARCH" -> search(in);
            case "ESEARCH" -> esearch(in);
            case "VANISHED" -> vanished(in);
            case "ID" -> id(in);
            default -> unknown(frame);
        };
    }

    private ImapResponse numbered(ImapReader in, long number, ImapFrame frame) {
        String name = in.keyword();
        in.skipSpaces();
        return switch (name) {
            case "EXISTS" -> new ImapResponse.Exists(number);
            case "RECENT" -> new ImapResponse.Recent(number);
            case "EXPUNGE" -> new ImapResponse.Expunge(number);
            case "FETCH" -> fetch(in, number);
            default -> unknown(frame);
        };
    }

    private static ImapResponse unknown(ImapFrame frame) {
        int length = Math.min(frame.length(), UNKNOWN_TEXT_MAX);
        return new ImapResponse.Unknown(new String(frame.text(), 0, length, StandardCharsets.ISO_8859_1));
    }

    private static Optional<Condition> condition(String word) {
        return switch (word) {
            case "OK" -> Optional.of(Condition.OK);
            case "NO" -> Optional.of(Condition.NO);
            case "BAD" -> Optional.of(Condition.BAD);
            case "PREAUTH" -> Optional.of(Condition.PREAUTH);
            case "BYE" -> Optional.of(Condition.BYE);
            default -> Optional.empty();
        };
    }

    private static String text(ImapReader in) {
        String rest = in.rest();
        String some = rest.substring(0, Math.min(rest.length(), TEXT_MAX));
        return new String(some.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    // ---- status responses
    // -----------------------------------------------------------------------------------------------

    /** {@code resp-text = ["[" resp-text-code "]" SP] text}; the text may be missing. */
    private Optional<ResponseCode> code(ImapReader in) {
        in.skipSpaces();
        if (in.peek() != '[') {
            return Optional.empty();
        }
        ImapReader.Mark start = in.mark();
        in.take('[');
        String name = codeName(in);
        in.skipSpaces();
        ImapReader.Mark arguments = in.mark();
        try {
            Optional<ResponseCode> code = knownCode(name, in);
            in.skipSpaces();
            if (code.isPresent() && in.take(']')) {
                return code;
            }
        } catch (ImapSyntaxException e) {
            // Read once more below, as a code whose arguments make no sense.
        }
        in.reset(arguments);
        String rest = in.rest();
        int close = rest.indexOf(']');
        if (close < 0) {
            in.reset(start);
            return Optional.empty();
        }
        in.reset(arguments);
        in.skipOctets(close + 1);
        return Optional.of(new ResponseCode.Other(name, rest.substring(0, close).strip()));
    }

    private static String codeName(ImapReader in) {
        StringBuilder name = new StringBuilder();
        while (!in.atEnd() && in.peek() != ' ' && in.peek() != ']') {
            name.append((char) in.peek());
            in.skipOctets(1);
        }
        return name.toString().toUpperCase(Locale.ROOT);
    }

    private Optional<ResponseCode> knownCode(String name, ImapReader in) {
        return switch (name) {
            case "CAPABILITY" -> Optional.of(new ResponseCode.Capability(capabilities(in.until(']'))));
            case "PERMANENTFLAGS" -> Optional.of(new ResponseCode.PermanentFlags(Set.copyOf(in.flags())));
            case "UIDNEXT" -> Optional.of(new ResponseCode.UidNext(in.number()));
            case "UIDVALIDITY" -> Optional.of(new ResponseCode.UidValidity(in.number()));
            case "HIGHESTMODSEQ" -> Optional.of(new ResponseCode.HighestModSeq(in.number()));
            case "NOMODSEQ" -> Optional.of(new ResponseCode.NoModSeq());
            case "CLOSED" -> Optional.of(new ResponseCode.Closed());
            case "MODIFIED" -> Optional.of(new ResponseCode.Modified(in.uidSet()));
            case "APPENDUID" -> {
                long uidValidity = in.number();
                in.skipSpaces();
                List<UidRange> uids = in.uidSet();
                yield uidValidity > 0 && UidSets.count(uids) == 1
                        ? Optional.of(new ResponseCode.AppendUid(
                                new AppendedUid(uidValidity, uids.getFirst().first())))
                        : Optional.empty();
            }
            case "COPYUID" -> {
                long uidValidity = in.number();
                in.skipSpaces();
                List<UidRange> sources = in.uidSet();
                in.skipSpaces();
                List<UidRange> targets = in.uidSet();
                yield uidValidity > 0 && UidSets.count(sources) == UidSets.count(targets)
                        ? Optional.of(new ResponseCode.CopyUid(new CopiedUids(uidValidity, sources, targets)))
                        : Optional.empty();
            }
            case "MESSAGELIMIT" -> {
                in.number();
                in.skipSpaces();
                yield in.atDigit() ? Optional.of(new ResponseCode.MessageLimit(in.number())) : Optional.empty();
            }
            case "MAILBOXID" -> objectId(in).map(ResponseCode.MailboxId::new);
            default -> Optional.empty();
        };
    }

    /** {@code "LITERAL +"} comes split from one server; the plus then belongs to the word before. */
    private static Capabilities capabilities(String words) {
        List<String> names = new ArrayList<>();
        for (String word : words.strip().split("[ \t]+")) {
            if (word.equals("+") && !names.isEmpty()) {
                names.add(names.removeLast() + "+");
            } else if (!word.isEmpty() && names.size() < ImapReader.LIST_MAX) {
                names.add(word);
            }
        }
        return Capabilities.of(Set.copyOf(names));
    }

    private static Set<String> words(String words) {
        Set<String> set = new LinkedHashSet<>();
        for (String word : words.strip().split("[ \t]+")) {
            if (!word.isEmpty() && set.size() < ImapReader.LIST_MAX) {
                set.add(word.toUpperCase(Locale.ROOT));
            }
        }
        return set;
    }

    // ---- mailboxes
    // ------------------------------------------------------------------------------------------------------

    /** {@code mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]} */
    private ImapResponse listed(ImapReader in, boolean lsub) {
        Set<String> attributes = new LinkedHashSet<>();
        for (byte[] attribute : in.strings()) {
            attributes.add(latin1(attribute).toLowerCase(Locale.ROOT));
        }
        in.skipSpaces();
        byte[] delimiter = in.nstring();
        in.skipSpaces();
        MailboxName name = mailbox(in);
        return new ImapResponse.Listed(
                name,
                delimiter == null || delimiter.length == 0
                        ? Optional.empty()
                        : Optional.of((char) (delimiter[0] & 0xFF)),
                attributes,
                lsub,
                lsub ? Optional.empty() : oldName(in));
    }

    /** {@code mbox-list-extended = "(" [mbox-list-extended-item *(SP mbox-list-extended-item)] ")"}; all but OLDNAME is passed over. */
    private static Optional<MailboxName> oldName(ImapReader in) {
        in.skipSpaces();
        Optional<MailboxName> oldName = Optional.empty();
        try {
            if (in.take('(')) {
                in.skipSpaces();
                while (!in.take(')')) {
                    String tag = in.latin1String();
                    in.skipSpaces();
                    if (tag.equalsIgnoreCase("OLDNAME")) {
                        in.expect('(');
                        oldName = Optional.of(new MailboxName(in.latin1String()));
                        in.skipSpaces();
                        in.expect(')');
                    } else {
                        in.skipValue();
                    }
                    in.skipSpaces();
                }
            }
        } catch (ImapSyntaxException | IllegalArgumentException e) {
            // The mailbox is there all the same; who keeps count finds the old one missing.
            return oldName;
        }
        return oldName;
    }

    /** A name in quotes or a literal; one without may hold spaces, and ends before {@code " ("} or at the end of the line. */
    private static MailboxName mailbox(ImapReader in) {
        String raw;
        if (in.peek() == '"' || in.atLiteral()) {
            raw = in.latin1String();
        } else {
            raw = in.untilSpaceAndParenthesis();
        }
        try {
            return new MailboxName(raw);
        } catch (IllegalArgumentException e) {
            throw new ImapSyntaxException("not a mailbox name");
        }
    }

    private ImapResponse status(ImapReader in) {
        MailboxName name = mailbox(in);
        in.skipSpaces();
        in.expect('(');
        Map<String, Long> numbers = new HashMap<>();
        Optional<String> mailboxId = Optional.empty();
        while (true) {
            in.skipSpaces();
            if (in.atEnd() || in.take(')')) {
                break;
            }
            String item = in.keyword();
            in.skipSpaces();
            ImapReader.Mark value = in.mark();
            try {
                if (item.equals("MAILBOXID")) {
                    // A mailbox is known by it, so what cannot be one is none.
                    mailboxId = objectId(in).filter(id -> OBJECT_ID.matcher(id).matches());
                } else {
                    numbers.put(item, in.number());
                }
            } catch (ImapSyntaxException e) {
                in.reset(value);
                in.skipValue();
            }
        }
        return new ImapResponse.MailboxStatusReported(
                name,
                new MailboxStatus(
                        atLeast(0, numbers.get("MESSAGES")),
                        atLeast(0, numbers.get("UNSEEN")),
                        atLeast(1, numbers.get("UIDNEXT")),
                        atLeast(1, numbers.get("UIDVALIDITY")),
                        atLeast(1, numbers.get("HIGHESTMODSEQ")),
                        mailboxId));
    }

    private static OptionalLong atLeast(long least, Long value) {
        return value == null || value < least ? OptionalLong.empty() : OptionalLong.of(value);
    }

    /** {@code namespace-response = "NAMESPACE" SP namespace SP namespace SP namespace} */
    private static ImapResponse namespaces(ImapReader in) {
        List<Namespaces.Namespace> personal = namespaceList(in);
        List<Namespaces.Namespace> others = namespaceList(in);
        List<Namespaces.Namespace> shared = namespaceList(in);
        return new ImapResponse.Namespace(new Namespaces(personal, others, shared));
    }

    private static List<Namespaces.Namespace> namespaceList(ImapReader in) {
        List<Namespaces.Namespace> list = new ArrayList<>();
        in.skipSpaces();
        if (in.atEnd() || in.takeNil()) {
            return list;
        }
        in.expect('(');
        while (true) {
            in.skipSpaces();
            if (in.take(')')) {
                return list;
            }
            in.expect('(');
            in.skipSpaces();
            String prefix = in.latin1String();
            in.skipSpaces();
            byte[] delimiter = in.nstring();
            list.add(new Namespaces.Namespace(
                    prefix,
                    delimiter == null || delimiter.length == 0
                            ? Optional.empty()
                            : Optional.of((char) (delimiter[0] & 0xFF))));
            in.skipSpaces();
            while (!in.take(')')) { // extensions
                in.skipValue();
                in.skipSpaces();
            }
        }
    }

    // ---- searches
    // -------------------------------------------------------------------------------------------------------

    private static ImapResponse search(ImapReader in) {
        long[] uids = new long[64];
        int count = 0;
        while (in.atDigit()) {
            if (count == uids.length) {
                uids = Arrays.copyOf(uids, 2 * count);
            }
            uids[count++] = in.number();
            in.skipSpaces();
        }
        if (!in.atEnd() && in.peek() != '(') { // what may follow is (MODSEQ n)
            throw new ImapSyntaxException("expected a number");
        }
        return new ImapResponse.Found(UidSets.ofUids(uids, count));
    }

    /** {@code esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)} */
    private static ImapResponse esearch(ImapReader in) {
        List<UidRange> uids = List.of();
        if (in.peek() == '(') {
            in.skipValue();
        }
        while (true) {
            in.skipSpaces();
            if (in.atEnd()) {
                return new ImapResponse.Found(UidSets.normalize(uids));
            }
            String name = in.keyword();
            in.skipSpaces();
            switch (name) {
                case "UID" -> {}
                case "ALL" -> uids = in.uidSet();
                default -> in.skipValue();
            }
        }
    }

    /** {@code expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids} */
    private static ImapResponse vanished(ImapReader in) {
        boolean earlier = false;
        if (in.peek() == '(') {
            earlier = in.strings().stream().anyMatch(word -> latin1(word).equalsIgnoreCase("EARLIER"));
            in.skipSpaces();
        }
        return new ImapResponse.Vanished(UidSets.normalize(in.uidSet()), earlier);
    }

    private static ImapResponse id(ImapReader in) {
        Map<String, String> fields = new LinkedHashMap<>();
        if (!in.takeNil()) {
            in.expect('(');
            in.skipSpaces();
            while (!in.take(')')) {
                String name = in.latin1String().toLowerCase(Locale.ROOT);
                in.skipSpaces();
                byte[] value = in.nstring();
                if (value != null) {
                    fields.put(name, new String(value, StandardCharsets.UTF_8));
                }
                in.skipSpaces();
            }
        }
        return new ImapResponse.Id(Collections.unmodifiableMap(fields));
    }

    // ---- messages
    // -------------------------------------------------------------------------------------------------------

    /** {@code message-data = nz-number SP ("EXPUNGE" / ("FETCH" SP msg-att))}; the number may be 0 from some servers. */
    private ImapResponse fetch(ImapReader in, long sequenceNumber) {
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
            items.unparsed("", in.rest().getBytes(StandardCharsets.ISO_8859_1));
        }
        if (items.uid < 1 || items.uid > UidSets.UID_MAX) {
            return new ImapResponse.FetchWithoutUid(sequenceNumber, items.flags, items.modSeq);
        }
        return new ImapResponse.Fetch(sequenceNumber, items.message(), items.stateOnly, items.sections);
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
        items.unparsed(name, in.rawValue());
    }

    /** Content by its name without origin, whatever else is made of it; the position stays. */
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
            case "INTERNALDATE" -> items.internalDate = ended(in, Optional.of(dateTime(latin1(in.string()))));
            case "RFC822.SIZE" -> items.size = ended(in, size(in));
            case "MODSEQ" -> items.modSeq = ended(in, modSeq(in));
            case "EMAILID" -> items.emailId = ended(in, objectId(in));
            case "THREADID" -> items.threadId = ended(in, objectId(in));
            case "X-GM-MSGID" -> items.gmailMessageId = ended(in, text(in.nstring()));
            case "X-GM-THRID" -> items.gmailThreadId = ended(in, text(in.nstring()));
            case "X-GM-LABELS" -> items.gmailLabels = ended(in, Optional.of(labels(in)));
            case "BODY[HEADER]", "BODY.PEEK[HEADER]", "RFC822.HEADER" ->
                items.header = ended(in, Optional.ofNullable(in.nstring()));
            case "BODY[]", "BODY[]<0>", "BODY.PEEK[]", "BODY.PEEK[]<0>", "RFC822" ->
                items.body = ended(in, Optional.ofNullable(in.nstring()));
            case "BODYSTRUCTURE", "BODY" ->
                items.bodyStructure = ended(in, Optional.of(BodyStructureReader.read(in.value())));
            default -> {
                return false;
            }
        }
        return true;
    }

    /** The value, if nothing but a space or the end of the list follows: {@code UID 5x} is not UID 5. */
    private static <T> T ended(ImapReader in, T value) {
        if (in.peek() != ' ' && in.peek() != ')') {
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
        in.strings().forEach(label -> labels.add(latin1(label)));
        return Collections.unmodifiableSet(labels);
    }

    private static Optional<String> text(byte[] octets) {
        return Optional.ofNullable(octets).map(ImapParser::latin1);
    }

    /** {@code "(" objectid ")"} or NIL (RFC 8474 section 7); also without the parentheses. */
    private static Optional<String> objectId(ImapReader in) {
        if (in.takeNil()) {
            return Optional.empty();
        }
        boolean list = in.take('(');
        in.skipSpaces();
        byte[] id = list && in.peek() == ')' ? null : in.nstring();
        in.skipSpaces();
        if (list) {
            in.expect(')');
        }
        return Optional.ofNullable(id).filter(octets -> octets.length > 0).map(ImapParser::latin1);
    }

    /** {@code date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE} */
    static Instant dateTime(String value) {
        String[] parts = value.strip().split("[ \t]+");
        String[] date = parts[0].split("-");
        if (parts.length < 2 || date.length != 3) {
            throw new ImapSyntaxException("not a date");
        }
        try {
            int month = MONTHS.indexOf(date[1].toUpperCase(Locale.ROOT));
            if (month < 0 || month % 3 != 0 || date[1].length() != 3) {
                throw new ImapSyntaxException("not a month");
            }
            String[] time = parts[1].split(":");
            LocalDateTime local = LocalDateTime.of(
                    Integer.parseInt(date[2]),
                    month / 3 + 1,
                    Integer.parseInt(date[0]),
                    Integer.parseInt(time[0]),
                    Integer.parseInt(time[1]),
                    time.length > 2 ? Math.min(59, Integer.parseInt(time[2])) : 0);
            return local.toInstant(zone(parts.length > 2 ? parts[2] : "+0000"));
        } catch (DateTimeException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new ImapSyntaxException("not a date");
        }
    }

    /** {@code zone = ("+" / "-") 4DIGIT}; a name, which is obsolete, counts as UTC. */
    private static ZoneOffset zone(String zone) {
        if (zone.length() != 5 || (zone.charAt(0) != '+' && zone.charAt(0) != '-')) {
            return ZoneOffset.UTC;
        }
        int minutes = Integer.parseInt(zone.substring(1, 3)) * 60 + Integer.parseInt(zone.substring(3));
        return ZoneOffset.ofTotalSeconds((zone.charAt(0) == '-' ? -minutes : minutes) * 60);
    }

    private static String latin1(byte[] octets) {
        return new String(octets, StandardCharsets.ISO_8859_1);
    }

    /** What is known of a message while its response is read. */
    private static final class MessageItems {
        private boolean stateOnly = true;
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
            if (sections.isEmpty()) {
                sections = new HashMap<>();
            }
            sections.put(name, content);
        }

        private void unparsed(String name, byte[] value) {
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
