package org.postbus.mail.imap.grammar.response;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.postbus.mail.imap.grammar.AppendedUid;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.CopiedUids;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.UidRange;

/** Reads the response codes of status responses (RFC 9051 section 7.1 and extensions). */
final class ResponseCodeParser {
    /** Longer ones are of no code that is known. */
    private static final int NAME_LENGTH_MAX = 100;

    private static final int ARGUMENTS_LENGTH_MAX = 1000;
    /** Capabilities are kept as long as the connection. The longest in use have some 60 characters. */
    private static final int CAPABILITY_LENGTH_MAX = 200;

    private static final int CAPABILITIES_MAX = 300;

    private ResponseCodeParser() {}

    /** {@code resp-text = ["[" resp-text-code "]" SP] text}; the text may be missing. */
    static Optional<ResponseCode> code(ImapReader in) {
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
            // Read again below, as a code whose arguments cannot be parsed.
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
        return Optional.of(new ResponseCode.Other(
                shortened(name, NAME_LENGTH_MAX), shortened(rest.substring(0, close), ARGUMENTS_LENGTH_MAX)));
    }

    private static String shortened(String text, int lengthMax) {
        return text.substring(0, Math.min(text.length(), lengthMax)).strip();
    }

    private static String codeName(ImapReader in) {
        StringBuilder name = new StringBuilder();
        while (!in.atEnd() && in.peek() != ' ' && in.peek() != ']') {
            name.append((char) in.peek());
            in.skipOctets(1);
        }
        return name.toString().toUpperCase(Locale.ROOT);
    }

    private static Optional<ResponseCode> knownCode(String name, ImapReader in) {
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
                List<UidRange> uids = in.uidRanges();
                yield uidValidity > 0 && UidSet.count(uids) == 1
                        ? Optional.of(new ResponseCode.AppendUid(
                                new AppendedUid(uidValidity, uids.getFirst().first())))
                        : Optional.empty();
            }
            case "COPYUID" -> {
                long uidValidity = in.number();
                in.skipSpaces();
                List<UidRange> sources = in.uidRanges();
                in.skipSpaces();
                List<UidRange> targets = in.uidRanges();
                yield uidValidity > 0 && UidSet.count(sources) == UidSet.count(targets)
                        ? Optional.of(new ResponseCode.CopyUid(new CopiedUids(uidValidity, sources, targets)))
                        : Optional.empty();
            }
            case "MESSAGELIMIT" -> {
                in.number();
                in.skipSpaces();
                yield in.atDigit() ? Optional.of(new ResponseCode.MessageLimit(in.number())) : Optional.empty();
            }
            case "MAILBOXID" -> in.objectId().map(ResponseCode.MailboxId::new);
            default -> Optional.empty();
        };
    }

    /** One server sends {@code "LITERAL +"}; the plus belongs to the word before. */
    static Capabilities capabilities(String words) {
        List<String> names = new ArrayList<>();
        for (String word : words.strip().split("[ \t]+")) {
            if (word.equals("+") && !names.isEmpty()) {
                names.add(names.removeLast() + "+");
            } else if (!word.isEmpty() && word.length() <= CAPABILITY_LENGTH_MAX && names.size() < CAPABILITIES_MAX) {
                names.add(word);
            }
        }
        return Capabilities.of(Set.copyOf(names));
    }
}
