package org.postbus.mail.imap.grammar.response;

/** One value or response is not what the grammar says; the bytes after it are still understood. */
final class ImapSyntaxException extends RuntimeException {
    private static final long serialVersionUID = 1;

    ImapSyntaxException(String message) {
        // Thrown per value by servers that are always wrong in the same way: no stack trace.
        super(message, null, false, false);
    }
}
