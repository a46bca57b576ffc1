package org.postbus.writer.table;

/** A record that can never be applied: it contradicts the database, or holds what PostgreSQL cannot. It goes to quarantine. */
public final class InapplicableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public InapplicableException(String message, Throwable cause) {
        super(message, cause);
    }

    public InapplicableException(String message) {
        super(message);
    }
}
