package org.postbus.mail.imap.framing;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * From the octets of a connection to its responses: {@link ImapFramer}, with {@link DeflatedStream} before it once the connection is
 * compressed (RFC 4978). Nothing is inflated or framed before it is asked for.
 */
public final class ImapInput {
    private final ImapFramer framer;
    private DeflatedStream deflated;
    private final Deque<byte[]> compressed = new ArrayDeque<>();
    private long compressedOctets;

    public ImapInput(ImapFramer framer) {
        this.framer = framer;
    }

    /** The octets may not be changed afterwards. */
    public void feed(byte[] octets) {
        if (deflated == null) {
            framer.feed(octets, 0, octets.length);
        } else {
            compressed.add(octets);
            compressedOctets += octets.length;
        }
    }

    /** The same, for part of an array; only while the connection is not compressed. */
    public void feed(byte[] octets, int offset, int count) {
        framer.feed(octets, offset, count);
    }

    /**
     * The next response or chunk of a literal, or null until {@link #inflate} or {@link #feed} brings more.
     *
     * @throws ImapViolation if a limit is exceeded; nothing can be read after that
     */
    public ImapFramer.Framed next() {
        return framer.next();
    }

    /**
     * Inflates one chunk of what is still compressed, for {@link #next}.
     *
     * @return how many octets it has; 0 if nothing is left or the connection is not compressed
     * @throws ImapViolation if it is no deflate stream, or one that becomes far too much
     */
    public int inflate() {
        if (deflated == null) {
            return 0;
        }
        while (true) {
            if (deflated.isEmpty()) {
                if (compressed.isEmpty()) {
                    return 0;
                }
                byte[] next = compressed.removeFirst();
                compressedOctets -= next.length;
                deflated.feed(next, 0, next.length);
            }
            byte[] chunk = deflated.inflate();
            if (chunk.length > 0) {
                framer.feed(chunk, 0, chunk.length);
                return chunk.length;
            }
        }
    }

    /** A command is sent: its answer is held to the limits anew. */
    public void beginAnswer(LiteralRules rules) {
        framer.literals(rules);
        if (deflated != null) {
            deflated.restart();
        }
    }

    /** A command is answered: what comes now was not asked for. */
    public void endAnswer(LiteralRules rules) {
        framer.literals(rules);
    }

    /** Octets of memory that the buffers take. */
    public long heldOctets() {
        return framer.heldOctets() + compressedOctets;
    }

    /** Whether nothing is buffered: no input that was fed and not used, and no beginning of a response. */
    public boolean isEmpty() {
        return framer.isEmpty();
    }

    /** From the next octet on, both directions are compressed. */
    public void compress() {
        deflated = new DeflatedStream();
        feed(framer.takeRest());
    }

    public boolean isCompressed() {
        return deflated != null;
    }

    /** What to send for these octets: the octets themselves until the connection is compressed. */
    public byte[] outgoing(byte[] plain) {
        return deflated == null ? plain : deflated.deflate(plain);
    }

    /** Releases the memory; nothing is read afterwards. */
    public void release() {
        if (deflated != null) {
            deflated.end();
        }
        compressed.clear();
        compressedOctets = 0;
        framer.release();
    }
}
