package org.postbus.outbound.mutation;

import java.time.Duration;
import java.util.Objects;

/**
 * What has happened to a mutation before.
 *
 * @param attempts attempts that count, this one included
 * @param interruptions claims in a row that ended without an outcome, because the process ended or was frozen
 * @param sent whether a command for it may have been sent in an earlier attempt: a part of it may have been applied
 * @param age since it was requested, or retried by a user
 */
public record Tries(int attempts, int interruptions, boolean sent, Duration age) {
    public Tries {
        if (attempts < 1) {
            throw new IllegalArgumentException("a claimed mutation has at least one attempt");
        }
        Objects.requireNonNull(age);
    }

    public static Tries first() {
        return of(1);
    }

    /** A young mutation; all attempts before this one were refused. */
    public static Tries of(int attempts) {
        return new Tries(attempts, 0, attempts > 1, Duration.ZERO);
    }
}
