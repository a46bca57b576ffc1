package org.postbus.mail.imap.grammar.response;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.postbus.mail.imap.framing.ImapFrame;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.model.Keyword;
import org.postbus.observation.UidRange;

/**
 * Reads the tokens of one frame from left to right. Lenient where servers differ from RFC 9051 section 9 and the
 * meaning is clear. Every method leaves the position unchanged or behind what it returned, except when it throws
 * {@link ImapSyntaxException}; {@link #mark} and {@link #reset} allow another try.
 */
final class ImapReader {
    /**
     * Flags, labels and the like beyond this number are left out: they become sets, which an attacker can make slow.
     */
    static final int LIST_MAX = 1000;

    /** RFC 8474 section 7. */
    private static final int OBJECT_ID_LENGTH_MAX = 255;

    private static final int RANGES_BEFORE_COMPACT = 16 * 1024;

    private final byte[] text;
    private final int end;
    private final List<byte[]> literals;
    private final int nestingMax;
    private int at;
    private int literalsRead;

    ImapReader(ImapFrame frame, int nestingMax) {
        this.text = frame.text();
        this.end = frame.length();
        this.literals = frame.literals();
        this.nestingMax = nestingMax;
    }

    record Mark(int at, int literalsRead) {}

    Mark mark() {
        return new Mark(at, literalsRead);
    }

    void reset(Mark mark) {
        at = mark.at;
        literalsRead = mark.literalsRead;
    }

    boolean atEnd() {
        return at >= end;
    }

    /** The next octet, or -1 at the end. */
    int peek() {
        return at < end ? text[at] & 0xFF : -1;
    }

    void skipSpaces() {
        while (at < end && (text[at] == ' ' || text[at] == '\t')) {
            at++;
        }
    }

    boolean take(char expected) {
        if (peek() == expected) {
            at++;
            return true;
        }
        return false;
    }

    void expect(char expected) {
        if (!take(expected)) {
            throw new ImapSyntaxException("expected " + expected);
        }
    }

    /** Octets up to a space, a parenthesis or the end; upper case. Empty if there are none. */
    String keyword() {
        int from = at;
        while (at < end && " ()\t".indexOf(text[at]) < 0) {
            at++;
        }
        return latin1(from, at).toUpperCase(Locale.ROOT);
    }

    /** The name of a fetched item: up to a space, a bracket or a parenthesis; upper case. */
    String itemName() {
        int from = at;
        while (at < end && " ()[\t".indexOf(text[at]) < 0) {
            at++;
        }
        return latin1(from, at).toUpperCase(Locale.ROOT);
    }

    /** {@code section = "[" ... "]" ["<" number ">"]}, in upper case; the octets in quotes too. */
    String section() {
        int from = at;
        expect('[');
        boolean quoted = false;
        while (at < end && (quoted || text[at] != ']')) {
            if (text[at] == '"') {
                quoted = !quoted;
            }
            at++;
        }
        expect(']');
        if (peek() == '<') {
            while (at < end && text[at] != '>') {
                at++;
            }
            expect('>');
        }
        return latin1(from, at).toUpperCase(Locale.ROOT);
    }

    /** Digits with an optional sign; RFC 9051 has no sign, servers do. */
    long number() {
        int from = at;
        boolean negative = false;
        if (peek() == '+' || peek() == '-') {
            negative = text[at] == '-';
            at++;
        }
        int digits = at;
        long value = 0;
        while (at < end && text[at] >= '0' && text[at] <= '9') {
            int digit = text[at] - '0';
            if (value > (Long.MAX_VALUE - digit) / 10) {
                at = from;
                throw new ImapSyntaxException("a number beyond 63 bits");
            }
            value = value * 10 + digit;
            at++;
        }
        if (at == digits) {
            at = from;
            throw new ImapSyntaxException("expected a number");
        }
        return negative ? -value : value;
    }

    boolean atDigit() {
        return at < end && text[at] >= '0' && text[at] <= '9';
    }

    /** Takes {@code NIL} in any case, if it stands alone. */
    boolean takeNil() {
        if (at + 3 <= end
                && (text[at] & ~0x20) == 'N'
                && (text[at + 1] & ~0x20) == 'I'
                && (text[at + 2] & ~0x20) == 'L'
                && (at + 3 == end || " ()\t]".indexOf(text[at + 3]) >= 0)) {
            at += 3;
            return true;
        }
        return false;
    }

    /** {@code nstring}: null for NIL. Also an atom, which servers send in its place. */
    byte[] nstring() {
        return takeNil() ? null : string();
    }

    /** {@code astring}: quoted, literal or atom. */
    byte[] string() {
        int c = peek();
        if (c == '"') {
            return quoted();
        }
        if (atLiteral()) {
            return literal();
        }
        int from = at;
        while (at < end && " ()\t\"".indexOf(text[at]) < 0) {
            at++;
        }
        if (at == from) {
            throw new ImapSyntaxException("expected a string");
        }
        return Arrays.copyOfRange(text, from, at);
    }

    String latin1String() {
        return new String(string(), StandardCharsets.ISO_8859_1);
    }

    boolean atLiteral() {
        int i = at;
        if (i < end && text[i] == '~') {
            i++;
        }
        if (i >= end || text[i] != '{') {
            return false;
        }
        i++;
        while (i < end && (text[i] >= '0' && text[i] <= '9' || text[i] == '+')) {
            i++;
        }
        return i + 1 < end && text[i] == '}' && text[i + 1] == '\n';
    }

    byte[] literal() {
        while (text[at] != '\n') {
            at++;
        }
        at++;
        return literals.get(literalsRead++);
    }

    /**
     * {@code quoted = DQUOTE *QUOTED-CHAR DQUOTE}. A quote that no space, parenthesis, bracket or end follows is taken as a
     * character: servers forget the backslash.
     */
    byte[] quoted() {
        int from = at;
        at++;
        ByteArrayOutputStream value = null;
        int start = at;
        while (at < end) {
            byte c = text[at];
            if (c == '\\' && at + 1 < end) {
                value = value == null ? new ByteArrayOutputStream() : value;
                value.write(text, start, at - start);
                start = at + 1;
                at += 2;
            } else if (c == '"' && (at + 1 == end || " ()]\t".indexOf(text[at + 1]) >= 0)) {
                int stop = at++;
                if (value == null) {
                    return Arrays.copyOfRange(text, start, stop);
                }
                value.write(text, start, stop - start);
                return value.toByteArray();
            } else if (c == '\n') {
                break;
            } else {
                at++;
            }
        }
        at = from;
        throw new ImapSyntaxException("a quoted string without an end");
    }

    /** {@code "(" [flag *(SP flag)] ")"}, also NIL, and flags in quotes; those too long to be one are left out. */
    List<ImapFlag> flags() {
        List<ImapFlag> flags = new ArrayList<>(4);
        if (takeNil()) {
            return flags;
        }
        expect('(');
        while (true) {
            skipSpaces();
            if (take(')')) {
                return flags;
            }
            String name;
            if (peek() == '"' || atLiteral()) {
                name = latin1String();
            } else {
                int from = at;
                while (at < end && " ()\t".indexOf(text[at]) < 0) {
                    at++;
                }
                if (at == from) {
                    throw new ImapSyntaxException("expected a flag");
                }
                name = latin1(from, at);
            }
            if (!name.isEmpty() && name.length() <= Keyword.LENGTH_MAX && flags.size() < LIST_MAX) {
                flags.add(ImapFlag.parsed(name));
            }
        }
    }

    /** Strings in parentheses, one level; NIL for none. */
    List<byte[]> strings() {
        List<byte[]> strings = new ArrayList<>();
        if (takeNil()) {
            return strings;
        }
        expect('(');
        while (true) {
            skipSpaces();
            if (take(')')) {
                return strings;
            }
            byte[] string = nstring();
            if (string != null && strings.size() < LIST_MAX) {
                strings.add(string);
            }
        }
    }

    /** {@code sequence-set} of UIDs in the order sent; {@code *} is the highest, and what cannot be a UID is left out. */
    List<UidRange> uidRanges() {
        List<UidRange> ranges = new ArrayList<>();
        do {
            uidRange(ranges);
        } while (take(','));
        return ranges;
    }

    /** The same as a set: as few ranges as possible are held while it is read. */
    UidSet uidSet() {
        List<UidRange> ranges = new ArrayList<>();
        int compactAt = RANGES_BEFORE_COMPACT;
        do {
            uidRange(ranges);
            if (ranges.size() >= compactAt) {
                ranges = new ArrayList<>(UidSet.of(ranges).ranges());
                compactAt = Math.max(RANGES_BEFORE_COMPACT, 2 * ranges.size());
            }
        } while (take(','));
        return UidSet.of(ranges);
    }

    private void uidRange(List<UidRange> ranges) {
        long first = uidOrStar();
        long last = take(':') ? uidOrStar() : first;
        long low = Math.max(1, Math.min(first, last));
        long high = Math.min(UidSet.UID_MAX, Math.max(first, last));
        if (low <= high) {
            ranges.add(new UidRange(low, high));
        }
    }

    private long uidOrStar() {
        return take('*') ? UidSet.UID_MAX : number();
    }

    /** What lies between two positions. */
    byte[] octets(Mark from, Mark to) {
        return Arrays.copyOfRange(text, from.at, to.at);
    }

    boolean isBefore(Mark mark) {
        return at < mark.at;
    }

    /** Takes one octet; not at the end. */
    int next() {
        return text[at++];
    }

    /** An atom with all that is in its brackets; at least one octet. */
    void skipAtom() {
        boolean bracket = false;
        int from = at;
        while (at < end && (bracket || " ()\t".indexOf(text[at]) < 0)) {
            if (text[at] == '[') {
                bracket = true;
            } else if (text[at] == ']') {
                bracket = false;
            } else if (text[at] == '\n') {
                break;
            }
            at++;
        }
        if (at == from) {
            at++;
        }
    }

    void skipOctets(int count) {
        at = Math.min(end, at + count);
    }

    /** Up to the octet, which is not taken, or the end. */
    String until(char stop) {
        int from = at;
        while (at < end && text[at] != stop) {
            at++;
        }
        return latin1(from, at);
    }

    /** Up to a space that a parenthesis follows, or the end; without spaces at its own end. */
    String untilSpaceAndParenthesis() {
        int from = at;
        while (at < end && !(text[at] == ' ' && at + 1 < end && text[at + 1] == '(')) {
            at++;
        }
        return latin1(from, at).stripTrailing();
    }

    /** What is left, without leading spaces. */
    String rest() {
        skipSpaces();
        String rest = latin1(at, end);
        at = end;
        return rest;
    }

    String latin1(int from, int to) {
        return new String(text, from, to - from, StandardCharsets.ISO_8859_1);
    }

    /** {@code "(" objectid ")"} or NIL (RFC 8474 section 7); also without the parentheses. */
    Optional<String> objectId() {
        if (takeNil()) {
            return Optional.empty();
        }
        boolean list = take('(');
        skipSpaces();
        byte[] id = list && peek() == ')' ? null : nstring();
        skipSpaces();
        if (list) {
            expect(')');
        }
        return Optional.ofNullable(id)
                .filter(octets -> octets.length > 0 && octets.length <= OBJECT_ID_LENGTH_MAX)
                .map(ImapReader::latin1);
    }

    static String latin1(byte[] octets) {
        return new String(octets, StandardCharsets.ISO_8859_1);
    }

    int nestingMax() {
        return nestingMax;
    }
}
