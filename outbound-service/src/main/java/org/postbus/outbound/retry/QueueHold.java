package org.postbus.outbound.retry;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.postbus.mail.ServerFailure;

/**
 * A failure that concerns an account's server and no item of its queue: the whole queue waits, and no attempt of an item is counted. Pure.
 *
 * @param text for people
 * @param serverHint the wait that the server asked for
 */
public record QueueHold(Reason reason, String text, Optional<Duration> serverHint) {
    public QueueHold {
        Objects.requireNonNull(reason);
        Objects.requireNonNull(text);
        Objects.requireNonNull(serverHint);
    }

    /** The queues of an account; each has a server of its own, so each waits for itself. */
    public enum Queue {
        MUTATIONS("mutations"),
        SUBMISSIONS("submissions");

        private final String wireName;

        Queue(String wireName) {
            this.wireName = wireName;
        }

        public String wireName() {
            return wireName;
        }
    }

    public enum Reason {
        UNREACHABLE(
                "unreachable",
                Duration.ofSeconds(1),
                Duration.ofSeconds(5),
                Duration.ofSeconds(15),
                Duration.ofSeconds(30),
                Duration.ofMinutes(1),
                Duration.ofMinutes(2),
                Duration.ofMinutes(5)),
        THROTTLED(
                "throttled",
                Duration.ofSeconds(5),
                Duration.ofSeconds(15),
                Duration.ofSeconds(30),
                Duration.ofMinutes(1),
                Duration.ofMinutes(2),
                Duration.ofMinutes(5)),
        LIMIT_EXCEEDED(
                "limit-exceeded",
                Duration.ofMinutes(1),
                Duration.ofMinutes(5),
                Duration.ofMinutes(15),
                Duration.ofHours(1)),
        /** Servers lock accounts after repeated refused logins. */
        LOGIN_REFUSED("login-refused", Duration.ofMinutes(5), Duration.ofMinutes(10), Duration.ofMinutes(15));

        private final String wireName;
        private final List<Duration> waits;

        Reason(String wireName, Duration... waits) {
            this.wireName = wireName;
            this.waits = List.of(waits);
        }

        public String wireName() {
            return wireName;
        }
    }

    /** Empty if the failure concerns what was requested, not the server. */
    public static Optional<QueueHold> of(ServerFailure failure) {
        return switch (failure) {
            case ServerFailure.Unreachable(var text) -> Optional.of(unreachable(text));
            case ServerFailure.LimitExceeded(var text) ->
                Optional.of(new QueueHold(Reason.LIMIT_EXCEEDED, text, Optional.empty()));
            case ServerFailure.Throttled(var text, var retryAfter) ->
                Optional.of(new QueueHold(Reason.THROTTLED, text, retryAfter));
            case ServerFailure.AuthRejected(var text) ->
                Optional.of(new QueueHold(Reason.LOGIN_REFUSED, text, Optional.empty()));
            case ServerFailure.CursorLost lost -> Optional.empty();
            case ServerFailure.Conflict conflict -> Optional.empty();
            case ServerFailure.Rejected rejected -> Optional.empty();
            case ServerFailure.OutcomeUnknown unknown -> Optional.empty();
        };
    }

    /** A failure before anything was asked of the server: whatever it is, it concerns no item. */
    public static QueueHold ofOpening(ServerFailure failure) {
        return of(failure).orElseGet(() -> unreachable(failure.text()));
    }

    public static QueueHold unreachable(String text) {
        return new QueueHold(Reason.UNREACHABLE, text, Optional.empty());
    }

    /**
     * @param failures in a row, this one included
     * @param jitter 0 to 1, see {@link RetrySchedule#jittered}
     */
    public Duration waitAfter(int failures, double jitter) {
        Duration own = reason.waits.get(Math.min(failures, reason.waits.size()) - 1);
        return RetrySchedule.jittered(RetrySchedule.obeyed(serverHint, own), jitter);
    }
}
