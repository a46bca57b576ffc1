package org.postbus.mail.imap.framing;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/**
 * Both directions of COMPRESS=DEFLATE (RFC 4978): raw deflate, every command flushed. What comes in is inflated in portions,
 * when somebody asks for one, so a reader that stops holds back what is still compressed; a bomb costs time and no memory, and
 * is told by its ratio: zeros become a thousandth, mail does not. Its two streams take some 300 KB, most of it outside the
 * heap, until {@link #end}.
 */
public final class DeflatedStream {
    static final int PORTION_OCTETS = 32 * 1024;
    /** Whole attachments of one octet do come; they may be as long as one literal. */
    private static final long SUSPECT_OCTETS = 64L << 20;

    private static final int RATIO_MAX = 200;
    private static final long INFLATED_OCTETS_MAX = 8L << 30;

    private final Inflater inflater = new Inflater(true);
    private final Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
    private long inflated;
    private long compressed;
    /** The inflater keeps what did not fit in a portion, even when its input is used up. */
    private boolean drained = true;

    private boolean ended;

    /** What follows is the answer to another command: the limits begin anew. */
    public void restart() {
        inflated = 0;
        compressed = 0;
    }

    /** Only when {@link #isEmpty}: what was fed before has been inflated. The octets may not be changed until then. */
    public void feed(byte[] octets, int offset, int count) {
        compressed += count;
        drained = false;
        inflater.setInput(octets, offset, count);
    }

    public boolean isEmpty() {
        return drained && inflater.needsInput();
    }

    /**
     * The next {@value #PORTION_OCTETS} octets or less; empty when more must be fed.
     *
     * @throws ImapViolation if it is no deflate stream, or one that becomes far too much
     */
    public byte[] inflate() {
        byte[] portion = new byte[PORTION_OCTETS];
        try {
            int count = inflater.inflate(portion);
            if (count == 0 && (inflater.needsDictionary() || inflater.finished())) {
                throw new ImapViolation("the compressed stream has ended");
            }
            inflated += count;
            drained = count < portion.length;
            boolean bomb = inflated > SUSPECT_OCTETS && inflated > compressed * RATIO_MAX;
            if (bomb || inflated > INFLATED_OCTETS_MAX) {
                throw new ImapViolation(compressed + " compressed octets became " + inflated);
            }
            return count == portion.length ? portion : Arrays.copyOf(portion, count);
        } catch (DataFormatException e) {
            throw new ImapViolation("the stream is not compressed as it should be");
        }
    }

    public byte[] deflate(byte[] octets) {
        deflater.setInput(octets);
        ByteArrayOutputStream out = new ByteArrayOutputStream(octets.length / 2 + 64);
        byte[] portion = new byte[4096];
        int count;
        do {
            count = deflater.deflate(portion, 0, portion.length, Deflater.SYNC_FLUSH);
            out.write(portion, 0, count);
        } while (count == portion.length);
        return out.toByteArray();
    }

    /** Gives the memory back. */
    public void end() {
        if (!ended) {
            ended = true;
            inflater.end();
            deflater.end();
        }
    }
}
