package org.postbus.mail.imap.framing;

import org.postbus.mail.imap.connection.ImapOptions;

/** The server broke the protocol or a limit of {@link ImapOptions} so that its next byte cannot be understood: hang up. */
public final class ImapViolation extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ImapViolation(String message) {
        super(message);
    }
}
