package org.postbus.writer;

/** A record that can never be applied: it contradicts the database, or holds what PostgreSQL cannot. It goes to quarantine. */
final class InapplicableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    InapplicableException(String message, Throwable cause) {
        super(message, cause);
    }

    InapplicableException(String message) {
        super(message);
    }
}
