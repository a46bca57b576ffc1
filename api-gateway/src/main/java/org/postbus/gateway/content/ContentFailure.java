package org.postbus.gateway.content;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.mail.ServerFailure;

/** Why content that is not in the database could not be had. Texts are for people and hold no secret and no mail. */
public sealed interface ContentFailure {
    Duration AWAY_RETRY = Duration.ofSeconds(30);
    Duration BUSY_RETRY = Duration.ofSeconds(5);
    Duration MOVED_RETRY = Duration.ofSeconds(10);

    String detail();

    /** The mail server cannot be reached, breaks off or asks us to slow down. */
    record Away(String detail, Duration retryAfter) implements ContentFailure {
        public Away {
            Objects.requireNonNull(detail);
            Objects.requireNonNull(retryAfter);
        }
    }

    /** The mail server does not take the account's credentials. */
    record LoginRefused(String detail) implements ContentFailure {
        public LoginRefused {
            Objects.requireNonNull(detail);
        }
    }

    /** It is not where it was last seen; the account's next synchronisation will tell where it is. */
    record Moved(String detail) implements ContentFailure {
        public Moved {
            Objects.requireNonNull(detail);
        }
    }

    /** The mail server does not have it any more, wherever one looks. */
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

    /** The mail server will not give it, or not in a form that makes sense. */
    record Refused(String detail) implements ContentFailure {
        public Refused {
            Objects.requireNonNull(detail);
        }
    }

    /** One of our own limits. */
    record Busy(String detail) implements ContentFailure {
        public Busy {
            Objects.requireNonNull(detail);
        }
    }

    static ContentFailure of(ServerFailure failure) {
        return switch (failure) {
            case ServerFailure.Unreachable(var text) -> new Away(text, AWAY_RETRY);
            case ServerFailure.OutcomeUnknown(var text) -> new Away(text, AWAY_RETRY);
            case ServerFailure.Throttled(var text, var hint) -> new Away(text, hint.orElse(AWAY_RETRY));
            case ServerFailure.AuthRejected(var text) -> new LoginRefused(text);
            case ServerFailure.CursorLost(var text) -> new Moved(text);
            case ServerFailure.Conflict(var text) -> new Moved(text);
            case ServerFailure.Rejected(var code, var text) -> new Refused("the mail server refuses: " + text);
        };
    }

    /** In one word, as a client reads it. */
    default String reason() {
        return switch (this) {
            case Away ignored -> "server-away";
            case LoginRefused ignored -> "login-refused";
            case Moved ignored -> "moved";
            case Gone ignored -> "gone";
            case NoSuchPart ignored -> "gone";
            case Refused ignored -> "refused";
            case Busy ignored -> "busy";
        };
    }

    /** Empty where trying again is of no use before something else has changed. */
    default Optional<Duration> retryIn() {
        return switch (this) {
            case Away away -> Optional.of(away.retryAfter());
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
            case Away(var detail, var retryAfter) -> Problem.unavailable(detail, retryAfter);
            case LoginRefused(var detail) ->
                Problem.conflict("the mail server refuses the login (" + detail
                        + "): set the account's password or access token, then try again");
            case Moved(var detail) ->
                Problem.conflict(detail + "; the account is being synchronised: try again in some seconds");
            case Gone(var detail) -> Problem.gone(detail);
            case NoSuchPart ignored -> Problem.notFound("attachment");
            case Refused(var detail) -> Problem.badGateway(detail);
            case Busy(var detail) -> Problem.tooMany(detail, BUSY_RETRY);
        };
    }
}
