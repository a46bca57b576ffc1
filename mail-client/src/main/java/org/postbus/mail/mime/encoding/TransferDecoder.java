package org.postbus.mail.mime.encoding;

import java.util.Arrays;

/**
 * Decodes a Content-Transfer-Encoding (RFC 2045 section 6) chunk by chunk: however the content is cut, the result
 * equals that of {@link TransferEncoding#decode} for the whole. It holds back less than {@value #HELD_BYTES_MAX}
 * bytes. For one thread.
 */
public final class TransferDecoder {
    /** Longer than any valid line of quoted-printable. */
    static final int HELD_BYTES_MAX = 64 * 1024;

    private static final byte[] NOTHING = {};

    private final TransferEncoding encoding;
    /** The bytes whose meaning depends on the next chunk. */
    private byte[] held = NOTHING;

    private TransferDecoder(TransferEncoding encoding) {
        this.encoding = encoding;
    }

    /** @param encoding the field's value in any case; unknown encodings are passed on unchanged */
    public static TransferDecoder of(String encoding) {
        return new TransferDecoder(TransferEncoding.of(encoding));
    }

    /** Whether the output equals the input, so that its size is known in advance. */
    public boolean isIdentity() {
        return encoding == TransferEncoding.IDENTITY;
    }

    /** The bytes decoded by this call; may be empty. */
    public byte[] decode(byte[] chunk) {
        if (isIdentity()) {
            return chunk;
        }
        byte[] all = held.length == 0 ? chunk : concatenated(held, chunk);
        int end = encoding == TransferEncoding.BASE64 ? base64End(all) : quotedPrintableEnd(all);
        held = Arrays.copyOfRange(all, end, all.length);
        return encoding.decode(Arrays.copyOf(all, end), Integer.MAX_VALUE);
    }

    /** The rest, after the last chunk. */
    public byte[] end() {
        byte[] rest = encoding.decode(held, Integer.MAX_VALUE);
        held = NOTHING;
        return rest;
    }

    private static byte[] concatenated(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    /** After the last whole group of four digits since the last padding. */
    private static int base64End(byte[] encoded) {
        int end = 0;
        int digits = 0;
        for (int i = 0; i < encoded.length; i++) {
            if (encoded[i] == '=') {
                digits = 0;
            } else if (TransferEncoding.isBase64Digit(encoded[i])) {
                digits++;
            }
            if (digits % 4 == 0) {
                end = i + 1;
            }
        }
        // Up to three digits and what is no digit between them.
        return encoded.length - end < HELD_BYTES_MAX ? end : encoded.length;
    }

    /** After the last line end: an escape, a soft line end and blanks before a line end lie within a line. */
    private static int quotedPrintableEnd(byte[] encoded) {
        for (int i = encoded.length - 1; i >= 0; i--) {
            if (encoded[i] == '\n') {
                return i + 1;
            }
        }
        if (encoded.length < HELD_BYTES_MAX) {
            return 0;
        }
        // A line without end: up to a position that later bytes cannot affect.
        for (int i = encoded.length; i > 2; i--) {
            byte last = encoded[i - 1];
            if (last != ' ' && last != '\t' && last != '\r' && last != '=' && encoded[i - 2] != '=') {
                return i;
            }
        }
        return encoded.length;
    }
}
