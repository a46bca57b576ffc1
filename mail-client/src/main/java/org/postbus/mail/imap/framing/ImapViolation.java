package org.postbus.mail.imap.framing;

/**
 * The server broke the protocol or exceeded a limit, so that its next octet cannot be interpreted: the connection is
 * closed.
 */
public final class ImapViolation extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ImapViolation(String message) {
        super(message);
    }
}
