package org.postbus.mail;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Why a mail server did not do what was requested. The clients report nothing else for what a server does; a bug is
 * never reported as one of these. What a failure means is decided by the service: in the fetcher by {@code
 * AccountLoop}, in outbound-service by {@code OutcomePolicy} and {@code SubmissionPolicy}, in the gateway by {@code
 * ContentFailure} and {@code AccountCheck}. Code close to a command also handles single cases, such as a refusal for
 * which there is another command. Texts are meant for people and contain no secret and no mail.
 */
public sealed interface ServerFailure {
    String text();

    /** No connection, a broken connection, no answer in time, or a violation of the protocol. Try again later. */
    record Unreachable(String text) implements ServerFailure {
        public Unreachable {
            Objects.requireNonNull(text);
        }
    }

    /**
     * The server sent more than it was asked for, or more than a limit allows, and was disconnected. A server that does so
     * again and again is not worth another connection for a long time.
     */
    record LimitExceeded(String text) implements ServerFailure {
        public LimitExceeded {
            Objects.requireNonNull(text);
        }
    }

    /** The server asks for fewer or slower requests; {@code retryAfter} is the server's own hint, if it gave one. */
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

    /** The server cannot continue from the stored cursor: UIDVALIDITY changed, {@code cannotCalculateChanges}. */
    record CursorLost(String text) implements ServerFailure {
        public CursorLost {
            Objects.requireNonNull(text);
        }
    }

    /** Another client changed it first: MODIFIED (RFC 7162), {@code stateMismatch} (RFC 8620). */
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
