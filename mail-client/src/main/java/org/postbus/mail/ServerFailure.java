package org.postbus.mail;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Why a mail server did not do it. The clients report nothing else for what a server does; a bug is never one of these.
 * Switched on in two places only: the fetcher's account loop and the outbound flusher. Texts are for people and hold no
 * secret and no mail.
 */
public sealed interface ServerFailure {
    String text();

    /** No connection, or it broke, or nothing came in time, or the server broke the protocol. Try again later. */
    record Unreachable(String text) implements ServerFailure {
        public Unreachable {
            Objects.requireNonNull(text);
        }
    }

    /** The server asks us to slow down; {@code retryAfter} is its own hint if it gave one. */
    record Throttled(String text, Optional<Duration> retryAfter) implements ServerFailure {
        public Throttled {
            Objects.requireNonNull(text);
            Objects.requireNonNull(retryAfter);
        }
    }

    /** The server refuses the login. */
    record AuthRejected(String text) implements ServerFailure {
        public AuthRejected {
            Objects.requireNonNull(text);
        }
    }

    /** The server does not know our place any more: UIDVALIDITY changed, {@code cannotCalculateChanges}. */
    record CursorLost(String text) implements ServerFailure {
        public CursorLost {
            Objects.requireNonNull(text);
        }
    }

    /** Somebody else changed it first: MODIFIED (RFC 7162), {@code stateMismatch} (RFC 8620). */
    record Conflict(String text) implements ServerFailure {
        public Conflict {
            Objects.requireNonNull(text);
        }
    }

    /**
     * The server understood and refuses for good: tagged NO or BAD, a permanent SetError or method error.
     *
     * @param code the response code or error type, such as {@code NONEXISTENT} or {@code forbidden}; {@code NO} or
     *     {@code BAD} where there is none
     */
    record Rejected(String code, String text) implements ServerFailure {
        public Rejected {
            Objects.requireNonNull(code);
            Objects.requireNonNull(text);
        }
    }

    /** The command was sent and the connection broke before the answer: it may or may not have been done. */
    record OutcomeUnknown(String text) implements ServerFailure {
        public OutcomeUnknown {
            Objects.requireNonNull(text);
        }
    }
}
