package org.postbus.mail.imap;

/** The server broke the protocol or a limit of {@link ImapOptions} so that its next byte cannot be understood: hang up. */
final class ImapViolation extends RuntimeException {
    private static final long serialVersionUID = 1;

    ImapViolation(String message) {
        super(message);
    }
}
