package org.postbus.mail.imap.grammar;

import com.beetstra.jutf7.CharsetProvider;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The name of a mailbox as the server sent it. Commands use this form, and it identifies the mailbox. One character
 * per octet (ISO 8859-1), so that a name in an unknown encoding is preserved. {@code INBOX} is case-insensitive and
 * kept in capitals (RFC 9051 section 5.1).
 *
 * @param raw 1 to 4000 octets without CR, LF and NUL
 */
public record MailboxName(String raw) implements Comparable<MailboxName> {
    public static final int OCTETS_MAX = 4000;
    public static final MailboxName INBOX = new MailboxName("INBOX");
    private static final Charset MODIFIED_UTF_7 = new CharsetProvider().charsetForName("X-IMAP-MODIFIED-UTF-7");

    public MailboxName {
        if (raw.isEmpty() || raw.length() > OCTETS_MAX) {
            throw new IllegalArgumentException("a mailbox name has 1 to " + OCTETS_MAX + " octets");
        }
        for (int i = 0; i < raw.length(); i++) {
            char c = raw.charAt(i);
            if (c == 0 || c == '\r' || c == '\n' || c > 0xFF) {
                throw new IllegalArgumentException("not an octet that a mailbox name may have: " + (int) c);
            }
        }
        if (raw.equalsIgnoreCase("INBOX")) {
            raw = "INBOX";
        }
    }

    /** The name on a server without {@code UTF8=ACCEPT} for a mailbox that is shown as {@code displayName}. */
    public static MailboxName ofDisplayName(String displayName) {
        byte[] octets = displayName.getBytes(MODIFIED_UTF_7);
        return new MailboxName(new String(octets, StandardCharsets.ISO_8859_1));
    }

    /**
     * The name to show: decoded from modified UTF-7 (RFC 3501 section 5.1.3), else from UTF-8 (RFC 6855), else as it
     * is.
     */
    public String displayName() {
        byte[] octets = octets();
        boolean ascii = raw.chars().allMatch(c -> c < 0x80);
        return decode(octets, ascii ? MODIFIED_UTF_7 : StandardCharsets.UTF_8).orElse(raw);
    }

    public byte[] octets() {
        return raw.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static Optional<String> decode(byte[] octets, Charset charset) {
        try {
            return Optional.of(charset.newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(octets))
                    .toString());
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }

    @Override
    public int compareTo(MailboxName other) {
        return raw.compareTo(other.raw);
    }

    @Override
    public String toString() {
        return raw;
    }
}
