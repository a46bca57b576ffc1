package org.postbus.mail.mime.encoding;

import java.util.Arrays;

/**
 * Undoes a Content-Transfer-Encoding (RFC 2045 section 6) portion by portion: whatever the portions, the result is what {@link
 * TransferEncoding#decode} makes of the whole. It holds back less than {@value #HELD_BYTES_MAX} bytes. One reader.
 */
public final class TransferDecoder {
    /** Longer than any line of quoted-printable that means something. */
    static final int HELD_BYTES_MAX = 64 * 1024;

    private static final byte[] NOTHING = {};

    private final TransferEncoding encoding;
    /** What the next portion may give another meaning. */
    private byte[] held = NOTHING;

    private TransferDecoder(TransferEncoding encoding) {
        this.encoding = encoding;
    }

    /** @param encoding the field's value in any case; what is not known is passed on as it is */
    public static TransferDecoder of(String encoding) {
        return new TransferDecoder(TransferEncoding.of(encoding));
    }

    /** Whether the result is what comes in, so that its size is known beforehand. */
    public boolean isIdentity() {
        return encoding == TransferEncoding.IDENTITY;
    }

    /** What is decoded so far and was not returned before; may be empty. */
    public byte[] decode(byte[] portion) {
        if (isIdentity()) {
            return portion;
        }
        byte[] all = held.length == 0 ? portion : concatenated(held, portion);
        int end = encoding == TransferEncoding.BASE64 ? base64End(all) : quotedPrintableEnd(all);
        held = Arrays.copyOfRange(all, end, all.length);
        return encoding.decode(Arrays.copyOf(all, end), Integer.MAX_VALUE);
    }

    /** The rest, after the last portion. */
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
        // A line without end: up to something that what follows cannot change.
        for (int i = encoded.length; i > 2; i--) {
            byte last = encoded[i - 1];
            if (last != ' ' && last != '\t' && last != '\r' && last != '=' && encoded[i - 2] != '=') {
                return i;
            }
        }
        return encoded.length;
    }
}
