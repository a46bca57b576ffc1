package org.postbus.gateway.problem;

import java.time.Duration;
import java.util.Optional;

/** Ends a request with a {@link Problem}. It has no stack trace because it is an expected result and no bug. */
public final class ProblemException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient Problem problem;
    private final transient Optional<Duration> retryAfter;

    ProblemException(Problem problem) {
        this(problem, Optional.empty());
    }

    ProblemException(Problem problem, Optional<Duration> retryAfter) {
        super(problem.detail().orElse(problem.title()), null, false, false);
        this.problem = problem;
        this.retryAfter = retryAfter;
    }

    public Problem problem() {
        return problem;
    }

    /** After which time a new try makes sense, if that is known. */
    public Optional<Duration> retryAfter() {
        return retryAfter;
    }
}
