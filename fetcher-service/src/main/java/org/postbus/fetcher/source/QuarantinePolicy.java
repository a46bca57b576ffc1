package org.postbus.fetcher.source;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.observation.ReadFailures;

/**
 * When a message that could not be read is tried again, and when it is quarantined (ADR 14). Servers refuse any command for half a minute or for
 * an hour, with the same words as for a message that they will never return. So a message is quarantined only after {@link #REFUSALS} refusals
 * of this message alone, while others were returned, over {@link #SPREAD} or more; until then it is deferred. Pure.
 */
public final class QuarantinePolicy {
    /** Messages of an account that may be deferred or quarantined: a server that lists more than it returns would fill memory and database. */
    public static final int NOT_READ_MAX = 10_000;

    static final int REFUSALS = 5;
    static final Duration SPREAD = Duration.ofMinutes(20);

    private static final Duration DEFERRED_MIN = Duration.ofSeconds(15);
    private static final Duration DEFERRED_MAX = Duration.ofMinutes(2);
    /** A message that breaks the connection costs the account more than the others. */
    private static final Duration BREAKING_MIN = Duration.ofMinutes(1);

    private static final Duration BREAKING_MAX = Duration.ofMinutes(5);

    private static final Duration FIRST_RETRY = Duration.ofHours(1);
    private static final Duration SECOND_RETRY = Duration.ofHours(6);
    private static final Duration LATER_RETRY = Duration.ofDays(1);

    private QuarantinePolicy() {}

    /** Why a message could not be read. */
    public sealed interface Cause {

        /**
         * The server refuses the message, or lists it and does not return it.
         *
         * @param othersReturned whether the server returned other messages of the same mailbox in the same pass: if not, the message need not be
         *     the cause
         */
        record Refused(boolean othersReturned) implements Cause {}

        /**
         * The connection breaks whenever the message is asked for.
         *
         * @param othersReturned as of {@link Refused}
         */
        record Breaking(boolean othersReturned) implements Cause {}

        /** The server returned it, and our own code fails on it. Trying again soon has the same result. */
        record OwnError() implements Cause {}
    }

    /** To be thrown where one more than {@link #NOT_READ_MAX} would be deferred: the pass ends, and nothing passes the message. */
    public static ServerException tooMany() {
        return new ServerException(
                new ServerFailure.LimitExceeded("the server exceeded a limit: it does not return more than "
                        + NOT_READ_MAX + " of the messages that it lists"));
    }

    /** @param before empty at the first failure */
    public static ReadFailures failed(Optional<ReadFailures> before, Cause cause, Instant now) {
        Instant first = before.map(ReadFailures::firstAt).orElse(now);
        int refusals = before.map(ReadFailures::refusals).orElse(0) + (counts(cause) ? 1 : 0);
        boolean already = before.map(ReadFailures::quarantined).orElse(false);
        if (already) {
            if (!counts(cause) && !(cause instanceof Cause.OwnError)) {
                // The server returns nothing now, or the message was not asked for: this was no try.
                return new ReadFailures(true, refusals, before.get().retries(), first, now, now.plus(DEFERRED_MAX));
            }
            int retries = before.get().retries() + 1;
            return new ReadFailures(true, refusals, retries, first, now, now.plus(retryAfter(retries)));
        }
        boolean proven =
                counts(cause) && refusals >= REFUSALS && !first.plus(SPREAD).isAfter(now);
        return proven || cause instanceof Cause.OwnError
                ? new ReadFailures(true, refusals, 0, first, now, now.plus(FIRST_RETRY))
                : new ReadFailures(
                        false, refusals, 0, first, now, now.plus(deferral(cause, Duration.between(first, now))));
    }

    private static boolean counts(Cause cause) {
        return switch (cause) {
            case Cause.Refused(boolean othersReturned) -> othersReturned;
            case Cause.Breaking(boolean othersReturned) -> othersReturned;
            case Cause.OwnError ownError -> false;
        };
    }

    /** It doubles: as long again as it has been failing. */
    private static Duration deferral(Cause cause, Duration failing) {
        boolean breaking = cause instanceof Cause.Breaking;
        Duration least = breaking ? BREAKING_MIN : DEFERRED_MIN;
        Duration most = breaking ? BREAKING_MAX : DEFERRED_MAX;
        return failing.compareTo(least) < 0 ? least : failing.compareTo(most) > 0 ? most : failing;
    }

    private static Duration retryAfter(int retries) {
        return retries == 1 ? SECOND_RETRY : LATER_RETRY;
    }
}
