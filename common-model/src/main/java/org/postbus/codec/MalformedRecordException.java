package org.postbus.codec;

/** Bytes that are not a valid record of their topic or column. The message gives the reason and quotes none of the content. */
public final class MalformedRecordException extends RuntimeException {
    private static final long serialVersionUID = 1;

    MalformedRecordException(String message, Throwable cause) {
        super(message, cause);
    }
}
