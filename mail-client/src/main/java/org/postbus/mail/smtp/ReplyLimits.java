package org.postbus.mail.smtp;

import java.util.Optional;

/**
 * How long the replies of a server may be. Vert.x Mail collects a reply until it is complete, however long that takes: RFC 5321
 * section 4.5.3.1.5 allows a line of 512 octets. Pure; not thread-safe.
 */
final class ReplyLimits {
    static final int LINE_OCTETS_MAX = 8 * 1024;
    static final int REPLY_OCTETS_MAX = 64 * 1024;

    private static final int CODE_LENGTH = 3;

    private int lineOctets;
    private int replyOctets;
    /** The octet behind the code: a minus means that the reply goes on. */
    private byte separator;

    /** @return the limit that these octets exceed, in words */
    Optional<String> exceededBy(byte[] octets) {
        for (byte octet : octets) {
            replyOctets++;
            if (octet == '\n') {
                if (separator != '-') {
                    replyOctets = 0;
                }
                lineOctets = 0;
                separator = 0;
                continue;
            }
            if (lineOctets == CODE_LENGTH) {
                separator = octet;
            }
            if (++lineOctets > LINE_OCTETS_MAX) {
                return Optional.of("a line of more than " + LINE_OCTETS_MAX + " octets");
            }
            if (replyOctets > REPLY_OCTETS_MAX) {
                return Optional.of("a reply of more than " + REPLY_OCTETS_MAX + " octets");
            }
        }
        return Optional.empty();
    }
}
