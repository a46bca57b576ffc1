package org.postbus.mail.imap.framing;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * One complete response as it came: its text, and its literals separately. In the text a literal is represented by its
 * announcement without the CR: <code>{5}</code> and LF. The text has no other LF.
 *
 * @param text only the first {@code length} octets count, and only until the framer is asked for the next frame
 */
public record ImapFrame(byte[] text, int length, List<byte[]> literals) implements ImapFramer.Framed {
    /** Octets of the line and of the literals that are kept. */
    public long octets() {
        long octets = length;
        for (byte[] literal : literals) {
            octets += literal.length;
        }
        return octets;
    }

    public static ImapFrame ofText(String text) {
        byte[] octets = text.getBytes(StandardCharsets.ISO_8859_1);
        return new ImapFrame(octets, octets.length, List.of());
    }

    @Override
    public String toString() {
        return new String(text, 0, Math.min(length, 200), StandardCharsets.ISO_8859_1);
    }
}
