package org.postbus.mail.imap.grammar.response;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.mail.imap.framing.ImapFrame;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.response.ImapResponse.Condition;

/**
 * Parses one frame. It never fails: what it does not understand becomes {@link ImapResponse.Unknown}, and within a
 * message an item of {@link FetchedMessage#unparsed}, so a malformed message never hides the others.
 */
public final class ImapParser {
    private static final int UNKNOWN_TEXT_MAX = 200;
    /** Octets of human-readable text that are kept; longer texts are of no use. */
    private static final int TEXT_MAX = 1000;
    /** RFC 2971 section 3.3: at most 30 fields, values of at most 1024 octets. */
    private static final int ID_FIELDS_MAX = 30;

    private static final int ID_VALUE_OCTETS_MAX = 1024;
    /** Names of extensions. */
    private static final int WORD_LENGTH_MAX = 200;

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
                Optional<ResponseCode> code = ResponseCodeParser.code(in);
                return new ImapResponse.Tagged(tag, condition.get(), code, text(in));
            }
        } catch (ImapSyntaxException e) {
            return unknown(frame);
        }
        return unknown(frame);
    }

    private ImapResponse untagged(ImapReader in, ImapFrame frame) {
        if (in.peek() == '[') {
            Optional<ResponseCode> code = ResponseCodeParser.code(in);
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
            Optional<ResponseCode> code = ResponseCodeParser.code(in);
            return new ImapResponse.Status(condition.get(), code, text(in));
        }
        in.skipSpaces();
        return switch (name) {
            case "CAPABILITY" -> new ImapResponse.Capability(ResponseCodeParser.capabilities(in.rest()));
            case "ENABLED" -> new ImapResponse.Enabled(words(in.rest()));
            case "LIST", "XLIST" -> MailboxParser.listed(in, false);
            case "LSUB" -> MailboxParser.listed(in, true);
            case "STATUS" -> MailboxParser.status(in);
            case "NAMESPACE" -> MailboxParser.namespaces(in);
            case "FLAGS" -> new ImapResponse.Flags(Set.copyOf(in.flags()));
            case "SEARCH" -> UidSetParser.search(in);
            case "ESEARCH" -> UidSetParser.esearch(in);
            case "VANISHED" -> UidSetParser.vanished(in);
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
            case "FETCH" -> FetchParser.fetch(in, number);
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

    private static Set<String> words(String words) {
        Set<String> set = new LinkedHashSet<>();
        for (String word : words.strip().split("[ \t]+")) {
            if (!word.isEmpty() && word.length() <= WORD_LENGTH_MAX && set.size() < ImapReader.LIST_MAX) {
                set.add(word.toUpperCase(Locale.ROOT));
            }
        }
        return set;
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
                if (value != null
                        && name.length() <= WORD_LENGTH_MAX
                        && value.length <= ID_VALUE_OCTETS_MAX
                        && fields.size() < ID_FIELDS_MAX) {
                    fields.put(name, new String(value, StandardCharsets.UTF_8));
                }
                in.skipSpaces();
            }
        }
        return new ImapResponse.Id(Collections.unmodifiableMap(fields));
    }
}
