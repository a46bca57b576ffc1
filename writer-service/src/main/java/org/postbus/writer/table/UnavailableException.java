package org.postbus.writer.table;

/**
 * The database or the broker did not do its part: away, too slow, a deadlock, a missing privilege. It is no fault of the record
 * in hand, which is tried again for as long as it takes and is never quarantined for it.
 */
public final class UnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public UnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
