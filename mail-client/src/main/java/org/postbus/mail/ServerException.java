package org.postbus.mail;

import java.time.Duration;
import java.util.Objects;

/** Carries a {@link ServerFailure} across a {@code Uni}: the only exception that a mail client raises for what a server does. */
public final class ServerException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient ServerFailure failure;

    public ServerException(ServerFailure failure) {
        this(failure, null);
    }

    public ServerException(ServerFailure failure, Throwable cause) {
        super(failure.getClass().getSimpleName() + ": " + failure.text(), cause);
        this.failure = Objects.requireNonNull(failure);
    }

    public ServerFailure failure() {
        return failure;
    }

    /** For a request without lasting effect, or one that can be repeated: no answer came in that time. */
    public static ServerException unreachable(Duration waited) {
        return new ServerException(
                new ServerFailure.Unreachable("no answer within " + waited.toSeconds() + " seconds"));
    }

    /** For a request that may have taken effect: no answer came in that time. */
    public static ServerException outcomeUnknown(Duration waited) {
        return new ServerException(
                new ServerFailure.OutcomeUnknown("no answer within " + waited.toSeconds() + " seconds"));
    }
}
