package org.postbus.mail.imap.grammar.response;

/** One value or response does not match the grammar; the octets after it can still be read. */
final class ImapSyntaxException extends RuntimeException {
    private static final long serialVersionUID = 1;

    ImapSyntaxException(String message) {
        // Servers that always send the same malformed value cause one per value: no stack trace.
        super(message, null, false, false);
    }
}
