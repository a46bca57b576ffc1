package org.postbus.mail.mime.header;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.postbus.mail.mime.encoding.MailCharset;
import org.postbus.mail.mime.encoding.TransferEncoding;

/**
 * Header text: encoded words (RFC 2047), raw 8-bit bytes (RFC 6532 and worse). A header field is handled as a string in which
 * each char is one byte, so that its structure can be read before its charset is known; {@link #decode} makes text of it.
 */
public final class HeaderText {
    private HeaderText() {}

    /** The bytes as chars of the same value. */
    static String ofBytes(byte[] raw, int from) {
        return new String(raw, from, raw.length - from, StandardCharsets.ISO_8859_1);
    }

    /** Takes the line ends of a folded field out (RFC 5322 section 2.2.3). */
    static String unfold(String field) {
        if (field.indexOf('\n') < 0 && field.indexOf('\r') < 0) {
            return field;
        }
        var unfolded = new StringBuilder(field.length());
        for (int i = 0; i < field.length(); i++) {
            char c = field.charAt(i);
            if (c != '\r' && c != '\n') {
                unfolded.append(c);
            }
        }
        return unfolded.toString();
    }

    /** Encoded words and raw bytes to text. Blanks between two encoded words are not text (RFC 2047 section 6.2). */
    public static String decode(String bytes) {
        int first = bytes.indexOf("=?");
        if (first < 0) {
            return raw(bytes);
        }
        var text = new StringBuilder(bytes.length());
        // Words of one charset are decoded together: some senders split them inside a character.
        var pending = new ByteArrayOutputStream();
        String pendingCharset = null;
        int rawFrom = 0;
        int i = first;
        while (i >= 0) {
            Optional<EncodedWord> found = EncodedWord.at(bytes, i);
            if (found.isEmpty()) {
                i = bytes.indexOf("=?", i + 2);
                continue;
            }
            EncodedWord word = found.get();
            String between = bytes.substring(rawFrom, i);
            boolean adjacent = pendingCharset != null && between.isBlank();
            if (!adjacent) {
                flush(pending, pendingCharset, text);
                text.append(raw(between));
            } else if (!word.charset().equalsIgnoreCase(pendingCharset)) {
                flush(pending, pendingCharset, text);
            }
            pending.writeBytes(word.content());
            pendingCharset = word.charset();
            rawFrom = word.end();
            i = bytes.indexOf("=?", rawFrom);
        }
        flush(pending, pendingCharset, text);
        return text.append(raw(bytes.substring(rawFrom))).toString();
    }

    /** Only the raw bytes of a string whose chars are bytes. */
    public static String raw(String bytes) {
        for (int i = 0; i < bytes.length(); i++) {
            if (bytes.charAt(i) >= 0x80) {
                return MailCharset.decodeRaw(bytes.getBytes(StandardCharsets.ISO_8859_1));
            }
        }
        return bytes;
    }

    private static void flush(ByteArrayOutputStream pending, String charset, StringBuilder text) {
        if (pending.size() > 0) {
            text.append(MailCharset.decode(pending.toByteArray(), Optional.of(charset), false)
                    .text());
            pending.reset();
        }
    }

    /** {@code encoded-word = "=?" charset "?" encoding "?" encoded-text "?="}; {@code end} is the index after it. */
    record EncodedWord(String charset, byte[] content, int end) {

        static Optional<EncodedWord> at(String bytes, int start) {
            int charsetEnd = bytes.indexOf('?', start + 2);
            if (charsetEnd < 0 || charsetEnd == start + 2 || charsetEnd + 2 >= bytes.length()) {
                return Optional.empty();
            }
            char encoding = Character.toLowerCase(bytes.charAt(charsetEnd + 1));
            if (bytes.charAt(charsetEnd + 2) != '?' || encoding != 'b' && encoding != 'q') {
                return Optional.empty();
            }
            int textFrom = charsetEnd + 3;
            int textEnd = bytes.indexOf("?=", textFrom);
            if (textEnd < 0) {
                return Optional.empty();
            }
            String charset = bytes.substring(start + 2, charsetEnd);
            int language = charset.indexOf('*');
            byte[] encoded = bytes.substring(textFrom, textEnd).getBytes(StandardCharsets.ISO_8859_1);
            return Optional.of(new EncodedWord(
                    language < 0 ? charset : charset.substring(0, language),
                    encoding == 'b' ? TransferEncoding.base64(encoded, encoded.length) : q(encoded),
                    textEnd + 2));
        }

        /** RFC 2047 section 4.2; raw 8-bit bytes, which are not allowed there, are taken as what the charset says. */
        private static byte[] q(byte[] encoded) {
            var decoded = new ByteArrayOutputStream(encoded.length);
            for (int i = 0; i < encoded.length; i++) {
                int value = encoded[i] == '=' ? TransferEncoding.hex(encoded, i + 1) : -1;
                if (value >= 0) {
                    decoded.write(value);
                    i += 2;
                } else {
                    decoded.write(encoded[i] == '_' ? ' ' : encoded[i]);
                }
            }
            return decoded.toByteArray();
        }
    }
}
