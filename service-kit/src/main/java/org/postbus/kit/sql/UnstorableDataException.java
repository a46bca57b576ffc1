package org.postbus.kit.sql;

/**
 * PostgreSQL can not hold the data, now or later: SQLSTATE classes 22 (data exception), 23 (integrity constraint violation) and 54 (program
 * limit exceeded). The transaction has been rolled back. The message names the SQLSTATE and leaves out the detail, which quotes the row.
 */
public final class UnstorableDataException extends RuntimeException {
    private static final long serialVersionUID = 1;

    UnstorableDataException(String message) {
        super(message);
    }
}
