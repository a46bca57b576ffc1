package org.postbus.mail.mime;

import java.util.Optional;

/** Reads a raw message (RFC 5322, RFC 2045): pure, bounded, and never throws, whatever the bytes are. */
public final class MimeMessageReader {
    private MimeMessageReader() {}

    /** @param raw the message or its beginning: a message cut off anywhere is read as far as it goes */
    public static ParsedEmail parse(byte[] raw, MimeLimits limits) {
        throw new UnsupportedOperationException();
    }

    /** The part that {@link #parse} calls {@code partId}, decoded; empty if there is none. */
    public static Optional<DecodedPart> part(byte[] raw, String partId, MimeLimits limits) {
        throw new UnsupportedOperationException();
    }
}
