package org.postbus.codec;

/** Bytes that are not what their topic or column holds. The message says why and quotes none of the content. */
public final class MalformedRecordException extends RuntimeException {
    private static final long serialVersionUID = 1;

    MalformedRecordException(String message, Throwable cause) {
        super(message, cause);
    }
}
