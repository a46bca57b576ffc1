package org.postbus.mail.imap.framing;

/**
 * The server broke the protocol or exceeded a limit, so that its next octet cannot be interpreted: the connection is
 * closed.
 */
public final class ImapViolation extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final boolean ofLimit;

    public ImapViolation(String message) {
        this(message, false);
    }

    private ImapViolation(String message, boolean ofLimit) {
        super(message);
        this.ofLimit = ofLimit;
    }

    /** The server sent more than was asked for, or more than a limit allows. */
    public static ImapViolation ofLimit(String message) {
        return new ImapViolation(message, true);
    }

    public boolean isOfLimit() {
        return ofLimit;
    }
}
