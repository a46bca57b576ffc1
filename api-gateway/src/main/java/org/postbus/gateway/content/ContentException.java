package org.postbus.gateway.content;

/** Carries a {@link ContentFailure}. It has no stack trace: it is an answer, not a bug. */
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
