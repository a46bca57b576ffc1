package org.postbus.gateway.queue;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * Why an account's queue waits: its server can not be used. No attempt of the items in the queue is counted meanwhile.
 *
 * @param reason {@code unreachable}, {@code throttled}, {@code limit-exceeded} or {@code login-refused}
 * @param since the first of the failures in a row
 */
public record Hold(String reason, Instant since) {
    public Hold {
        Objects.requireNonNull(reason);
        Objects.requireNonNull(since);
    }

    /** Both are null if the queue does not wait. */
    public static Optional<Hold> of(String reason, Instant since) {
        return Optional.ofNullable(reason).map(why -> new Hold(why, since));
    }
}
