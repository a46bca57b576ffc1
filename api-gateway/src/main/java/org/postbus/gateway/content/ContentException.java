package org.postbus.gateway.content;

/** Ends a download with a {@link ContentFailure}. It has no stack trace because it is an expected result and no bug. */
final class ContentException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient ContentFailure failure;

    ContentException(ContentFailure failure) {
        super(failure.detail(), null, false, false);
        this.failure = failure;
    }

    ContentFailure failure() {
        return failure;
    }
}
