package org.postbus.mail.imap.framing;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/**
 * Both directions of COMPRESS=DEFLATE (RFC 4978): raw deflate, flushed after every command. Input is inflated chunk by
 * chunk on request, so back-pressure reaches the compressed input. A decompression bomb costs time but no memory and
 * is detected by its ratio: zeros shrink to a thousandth, mail does not. The two streams take about 300 KB, most of it
 * outside the heap, until {@link #end}.
 */
public final class DeflatedStream {
    static final int CHUNK_OCTETS = 32 * 1024;
    /** Attachments that consist of one repeated octet exist; they may be as long as one literal. */
    private static final long RATIO_CHECKED_OCTETS = 64L << 20;

    private static final int RATIO_MAX = 200;
    private static final long INFLATED_OCTETS_MAX = 8L << 30;

    private final Inflater inflater = new Inflater(true);
    private final Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
    private long inflated;
    private long compressed;
    /** False while the inflater holds output that did not fit into the last chunk, even when its input is used up. */
    private boolean drained = true;

    private boolean ended;

    /** The answer to another command begins: the limits are counted from zero again. */
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
     * The next {@value #CHUNK_OCTETS} octets or less; empty when more must be fed.
     *
     * @throws ImapViolation if it is no deflate stream, or one that becomes far too much
     */
    public byte[] inflate() {
        byte[] chunk = new byte[CHUNK_OCTETS];
        try {
            int count = inflater.inflate(chunk);
            if (count == 0 && (inflater.needsDictionary() || inflater.finished())) {
                throw new ImapViolation("the compressed stream has ended");
            }
            inflated += count;
            drained = count < chunk.length;
            boolean bomb = inflated > RATIO_CHECKED_OCTETS && inflated > compressed * RATIO_MAX;
            if (bomb || inflated > INFLATED_OCTETS_MAX) {
                throw ImapViolation.ofLimit(compressed + " compressed octets became " + inflated);
            }
            return count == chunk.length ? chunk : Arrays.copyOf(chunk, count);
        } catch (DataFormatException e) {
            throw new ImapViolation("the stream is not compressed as it should be");
        }
    }

    public byte[] deflate(byte[] octets) {
        deflater.setInput(octets);
        ByteArrayOutputStream out = new ByteArrayOutputStream(octets.length / 2 + 64);
        byte[] chunk = new byte[4096];
        int count;
        do {
            count = deflater.deflate(chunk, 0, chunk.length, Deflater.SYNC_FLUSH);
            out.write(chunk, 0, count);
        } while (count == chunk.length);
        return out.toByteArray();
    }

    /** Releases the memory. */
    public void end() {
        if (!ended) {
            ended = true;
            inflater.end();
            deflater.end();
        }
    }
}
