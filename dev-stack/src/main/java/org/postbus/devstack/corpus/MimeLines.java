package org.postbus.devstack.corpus;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Collects the bytes of a message; every line ends with CRLF. */
final class MimeLines {
    private static final byte[] LINE_END = {'\r', '\n'};
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(4096);

    void line(String ascii) {
        out.writeBytes(ascii.getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(LINE_END);
    }

    void raw(byte[] bytes) {
        out.writeBytes(bytes);
    }

    void base64(byte[] bytes) {
        out.writeBytes(Base64.getMimeEncoder().encode(bytes));
        out.writeBytes(LINE_END);
    }

    /** RFC 2045 section 6.7: lines of at most 76 characters, soft line breaks, no space at a line's end. */
    void quotedPrintable(byte[] bytes) {
        int column = 0;
        for (int i = 0; i < bytes.length; i++) {
            int b = bytes[i] & 0xFF;
            if (b == '\r') {
                continue;
            }
            if (b == '\n') {
                out.writeBytes(LINE_END);
                column = 0;
                continue;
            }
            boolean lastOfLine = i + 1 < bytes.length && bytes[i + 1] == '\r';
            boolean literal = b != '=' && (b > ' ' && b < 127 || b == ' ' && !lastOfLine);
            int width = literal ? 1 : 3;
            if (column + width > 75) {
                out.write('=');
                out.writeBytes(LINE_END);
                column = 0;
            }
            if (literal) {
                out.write(b);
            } else {
                out.writeBytes(String.format("=%02X", b).getBytes(StandardCharsets.US_ASCII));
            }
            column += width;
        }
    }

    byte[] bytes() {
        return out.toByteArray();
    }
}
