package org.postbus.gateway;

/** Carries a {@link Problem} to the answer. It has no stack trace: it is an answer, not a bug. */
public final class ProblemException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient Problem problem;

    ProblemException(Problem problem) {
        super(problem.detail().orElse(problem.title()), null, false, false);
        this.problem = problem;
    }

    public Problem problem() {
        return problem;
    }
}
