package org.postbus.gateway.content;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.mail.ServerFailure;

/** Why content could not be read from the mail server. The texts are shown to users; they hold no secrets and no mail. */
public sealed interface ContentFailure {
    Duration UNAVAILABLE_RETRY = Duration.ofSeconds(30);
    Duration BUSY_RETRY = Duration.ofSeconds(5);
    Duration MOVED_RETRY = Duration.ofSeconds(10);

    String detail();

    /** The mail server can not be reached, closes the connection, or throttles. */
    record Unavailable(String detail, Duration retryAfter) implements ContentFailure {
        public Unavailable {
            Objects.requireNonNull(detail);
            Objects.requireNonNull(retryAfter);
        }
    }

    /** The mail server refuses the account's credential. */
    record LoginRefused(String detail) implements ContentFailure {
        public LoginRefused {
            Objects.requireNonNull(detail);
        }
    }

    /** The message is not at its last known location. The next sync finds its new one. */
    record Moved(String detail) implements ContentFailure {
        public Moved {
            Objects.requireNonNull(detail);
        }
    }

    /** The mail server no longer has the message. */
    record Gone(String detail) implements ContentFailure {
        public Gone {
            Objects.requireNonNull(detail);
        }
    }

    /** The email has no such part. */
    record NoSuchPart() implements ContentFailure {
        @Override
        public String detail() {
            return "there is no such attachment";
        }
    }

    /** The mail server refuses to send the content, or sends it in a form that can not be read. */
    record Refused(String detail) implements ContentFailure {
        public Refused {
            Objects.requireNonNull(detail);
        }
    }

    /** A limit of the gateway is reached. */
    record Busy(String detail) implements ContentFailure {
        public Busy {
            Objects.requireNonNull(detail);
        }
    }

    static ContentFailure of(ServerFailure failure) {
        return switch (failure) {
            case ServerFailure.Unreachable(var text) -> new Unavailable(text, UNAVAILABLE_RETRY);
            case ServerFailure.LimitExceeded(var text) -> new Unavailable(text, UNAVAILABLE_RETRY);
            case ServerFailure.OutcomeUnknown(var text) -> new Unavailable(text, UNAVAILABLE_RETRY);
            case ServerFailure.Throttled(var text, var hint) -> new Unavailable(text, hint.orElse(UNAVAILABLE_RETRY));
            case ServerFailure.AuthRejected(var text) -> new LoginRefused(text);
            case ServerFailure.CursorLost(var text) -> new Moved(text);
            case ServerFailure.Conflict(var text) -> new Moved(text);
            case ServerFailure.Rejected(var code, var text) -> new Refused("the mail server refuses: " + text);
        };
    }

    /** A word for clients: stable, see BodyMissing. */
    default String reason() {
        return switch (this) {
            case Unavailable ignored -> "server-away";
            case LoginRefused ignored -> "login-refused";
            case Moved ignored -> "moved";
            case Gone ignored -> "gone";
            case NoSuchPart ignored -> "gone";
            case Refused ignored -> "refused";
            case Busy ignored -> "busy";
        };
    }

    /** Empty if a new try makes no sense before something else has changed. */
    default Optional<Duration> retryIn() {
        return switch (this) {
            case Unavailable unavailable -> Optional.of(unavailable.retryAfter());
            case Moved ignored -> Optional.of(MOVED_RETRY);
            case Busy ignored -> Optional.of(BUSY_RETRY);
            case LoginRefused ignored -> Optional.empty();
            case Gone ignored -> Optional.empty();
            case NoSuchPart ignored -> Optional.empty();
            case Refused ignored -> Optional.empty();
        };
    }

    default ProblemException problem() {
        return switch (this) {
            case Unavailable(var detail, var retryAfter) -> Problem.unavailable(detail, retryAfter);
            case LoginRefused(var detail) ->
                Problem.conflict("the mail server refuses the login (" + detail
                        + "); set the account's password or access token, then try again");
            case Moved(var detail) -> Problem.conflict(detail + "; a sync was requested, try again in some seconds");
            case Gone(var detail) -> Problem.gone(detail);
            case NoSuchPart ignored -> Problem.notFound("attachment");
            case Refused(var detail) -> Problem.badGateway(detail);
            case Busy(var detail) -> Problem.tooMany(detail, BUSY_RETRY);
        };
    }
}
