package org.postbus.writer.apply;

/** The record can never be applied, because it contradicts itself or the database. It is quarantined. */
public final class InapplicableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public InapplicableException(String message) {
        super(message);
    }
}
