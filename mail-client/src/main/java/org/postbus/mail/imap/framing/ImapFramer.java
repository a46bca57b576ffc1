package org.postbus.mail.imap.framing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Splits the byte stream into complete responses: lines and the literals that they declare. It interprets nothing else
 * of IMAP. Parsing is a second step, so a malformed response can be dropped without losing the position in the stream
 * (a literal must never be read as a response). RFC 9051 section 4.3.
 *
 * <p>The caller pulls frames, so a slow reader just stops pulling. Literals are copied once, from the input into an
 * array of their own that grows with the octets received, not with the size declared.
 */
public final class ImapFramer {
    /** What came next. */
    public sealed interface Framed permits ImapFrame, LiteralPart {}

    /**
     * A chunk of a literal that is not kept, in order; an empty literal is one empty chunk. The octets are not copied
     * and never changed afterwards.
     */
    public record LiteralPart(byte[] octets, int offset, int count, int literalSize) implements Framed {}

    /** Stands for such a literal among those of its frame. */
    public static final byte[] STREAMED = new byte[0];

    private static final int LITERAL_AT_ONCE_OCTETS = 256 * 1024;
    private static final int TEXT_AT_FIRST_OCTETS = 1024;
    private static final int TEXT_KEPT_OCTETS = 64 * 1024;
    /** NULs and empty lines between responses. */
    private static final int PADDING_OCTETS_MAX = 64 * 1024;

    private static final int LITERALS_MAX = 10_000;
    private static final byte[] NOTHING = new byte[0];

    private final int lineOctetsMax;
    private LiteralRules rules;

    private byte[] input = NOTHING;
    private int at;
    private int end;

    /** Released between responses when no input is left, because most connections are idle most of the time. */
    private byte[] text = NOTHING;

    private int length;
    private List<byte[]> literals = new ArrayList<>();
    private long literalOctets;
    private long literalOctetsKept;
    private byte[] literal;
    private int literalSize;
    private int literalFilled;
    private boolean streaming;
    private int padding;
    private boolean emitted;

    public ImapFramer(int lineOctetsMax, LiteralRules rules) {
        this.lineOctetsMax = lineOctetsMax;
        this.rules = rules;
    }

    /** For literals that are declared from now on. */
    public void literals(LiteralRules rules) {
        this.rules = rules;
    }

    /** Octets of memory that the buffers take. */
    public long heldOctets() {
        return (at == end ? 0 : input.length)
                + text.length
                + literalOctetsKept
                + (literal == null ? 0 : literal.length);
    }

    /** The octets may not be changed afterwards. */
    public void feed(byte[] octets, int offset, int count) {
        if (at == end) {
            input = octets;
            at = offset;
            end = offset + count;
        } else {
            byte[] joined = Arrays.copyOfRange(input, at, end + count);
            System.arraycopy(octets, offset, joined, end - at, count);
            end = joined.length;
            input = joined;
            at = 0;
        }
    }

    /** Whether nothing is buffered: no input that was fed and not used, and no beginning of a response. */
    public boolean isEmpty() {
        return at == end && literal == null && !streaming && (emitted || (length == 0 && literals.isEmpty()));
    }

    /**
     * Releases all buffers; no frame is asked for afterwards. A timer may keep the connection reachable for a while.
     */
    public void release() {
        releaseInput();
        text = NOTHING;
        length = 0;
        literals = List.of();
        literal = null;
        literalOctetsKept = 0;
    }

    /** Takes the input that was fed and not used yet. */
    public byte[] takeRest() {
        byte[] rest = Arrays.copyOfRange(input, at, end);
        releaseInput();
        return rest;
    }

    /**
     * The next response or chunk, or null until more is fed.
     *
     * @throws ImapViolation if a limit is exceeded; nothing can be read after that
     */
    public Framed next() {
        if (emitted) {
            startResponse();
        }
        while (true) {
            if (streaming) {
                LiteralPart part = chunk();
                if (part == null || part.count() > 0 || literalSize == 0) {
                    return part;
                }
            }
            if (literal != null && !fillLiteral()) {
                return null;
            }
            if (!fillLine()) {
                return null;
            }
            if (length > 0 && text[length - 1] == '\r') {
                length--;
            }
            if (length == 0 && literals.isEmpty()) {
                padded(1); // an empty line between responses means nothing
                continue;
            }
            int declared = LiteralAnnouncement.size(text, length);
            if (declared < 0) {
                emitted = true;
                return new ImapFrame(text, length, literals);
            }
            startLiteral(declared, rules.of(text, length));
            append((byte) '\n');
        }
    }

    private void startResponse() {
        emitted = false;
        length = 0;
        literalOctets = 0;
        literalOctetsKept = 0;
        padding = 0;
        literals = new ArrayList<>(2);
        if (text.length > TEXT_KEPT_OCTETS) {
            text = NOTHING;
        }
    }

    /** Takes octets up to the LF, which is left out; false if the input ends before. */
    private boolean fillLine() {
        if (length == 0) {
            int from = at;
            while (at < end && input[at] == 0) { // some servers pad with NUL before a response
                at++;
            }
            padded(at - from);
        }
        int lf = at;
        while (lf < end && input[lf] != '\n') {
            lf++;
        }
        int count = lf - at;
        if (lf == end && length + count == 0 && literals.isEmpty()) {
            releaseInput();
            text = NOTHING;
            return false;
        }
        if (length + count > lineOctetsMax) {
            throw ImapViolation.ofLimit("a response of more than " + lineOctetsMax + " octets");
        }
        ensureText(count + 2);
        System.arraycopy(input, at, text, length, count);
        length += count;
        at = lf;
        if (lf == end) {
            releaseInput();
            return false;
        }
        at++;
        return true;
    }

    private boolean fillLiteral() {
        while (literalFilled < literalSize) {
            if (at == end) {
                releaseInput();
                return false;
            }
            int count = Math.min(end - at, literalSize - literalFilled);
            if (literalFilled + count > literal.length) {
                long doubled = Math.max(2L * literal.length, literalFilled + count);
                literal = Arrays.copyOf(literal, (int) Math.min(doubled, literalSize));
            }
            System.arraycopy(input, at, literal, literalFilled, count);
            literalFilled += count;
            at += count;
        }
        literals.add(literal);
        literalOctetsKept += literal.length;
        literal = null;
        return true;
    }

    private void padded(int octets) {
        padding += octets;
        if (padding > PADDING_OCTETS_MAX) {
            throw ImapViolation.ofLimit("more than " + PADDING_OCTETS_MAX + " octets that are no response");
        }
    }

    /** The octets of the literal that have come, an empty chunk at its end, or null until more is fed. */
    private LiteralPart chunk() {
        int count = Math.min(end - at, literalSize - literalFilled);
        if (count == 0 && literalFilled < literalSize) {
            releaseInput();
            return null;
        }
        LiteralPart part = new LiteralPart(input, at, count, literalSize);
        at += count;
        literalFilled += count;
        if (literalFilled == literalSize) {
            streaming = false;
            literals.add(STREAMED);
        }
        return part;
    }

    private void startLiteral(int size, LiteralRules.Rule rule) {
        if (size > rule.octetsMax()) {
            throw ImapViolation.ofLimit(
                    "a literal of more than " + rule.octetsMax() + " octets, which is more than was asked for");
        }
        if (literals.size() == LITERALS_MAX) {
            throw ImapViolation.ofLimit("more than " + LITERALS_MAX + " literals in a response");
        }
        literalSize = size;
        literalFilled = 0;
        if (rule.streamed()) {
            streaming = true;
            return;
        }
        literalOctets += size;
        if (literalOctets > rules.responseOctetsMax()) {
            throw ImapViolation.ofLimit("a literal of more than what is left of the " + rules.responseOctetsMax()
                    + " octets that were asked for in a response");
        }
        literal = new byte[Math.min(size, LITERAL_AT_ONCE_OCTETS)];
    }

    private void append(byte octet) {
        ensureText(1);
        text[length++] = octet;
    }

    private void ensureText(int more) {
        if (length + more > text.length) {
            text = Arrays.copyOf(text, Math.max(length + more, Math.max(2 * text.length, TEXT_AT_FIRST_OCTETS)));
        }
    }

    private void releaseInput() {
        input = NOTHING;
        at = 0;
        end = 0;
    }
}
