package org.postbus.mail.jmap.method;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.Text;

/**
 * What each way in which a JMAP server says no means: the one table, and pure. Codes of {@link ServerFailure.Rejected} are
 * the RFCs' error types, {@code limit:<name>} for a limit exceeded, or {@code http-<status>}.
 */
public final class JmapFailures {
    private static final String ERROR = "urn:ietf:params:jmap:error:";
    private static final int TEXT_LENGTH_MAX = 300;
    private static final Duration RETRY_AFTER_MAX = Duration.ofHours(1);

    private JmapFailures() {}

    /** A method-level error (RFC 8620 section 3.6.2, and the methods' own). An unknown type is taken as serverFail. */
    public static ServerFailure ofMethodError(String method, String type, String description) {
        String text = cut(method + ": " + type + (description.isBlank() ? "" : " (" + description + ")"));
        return switch (type) {
            case "cannotCalculateChanges" -> new ServerFailure.CursorLost(text);
            case "stateMismatch" -> new ServerFailure.Conflict(text);
            case "rateLimit" -> new ServerFailure.Throttled(text, Optional.empty());
            case "serverUnavailable", "serverFail" -> new ServerFailure.Unreachable(text);
            // Some of it was done: what was, only the server's state can tell.
            case "serverPartialFail" -> new ServerFailure.OutcomeUnknown(text);
            case "unknownMethod",
                    "invalidArguments",
                    "invalidResultReference",
                    "forbidden",
                    "accountNotFound",
                    "accountNotSupportedByMethod",
                    "accountReadOnly",
                    "fromAccountNotFound",
                    "fromAccountNotSupportedByMethod",
                    "requestTooLarge",
                    "unsupportedFilter",
                    "unsupportedSort",
                    "tooManyChanges",
                    "anchorNotFound" -> new ServerFailure.Rejected(type, text);
            default -> new ServerFailure.Unreachable(text);
        };
    }

    /** A SetError (RFC 8620 section 5.3, RFC 8621 sections 2.5, 4.6, 7.5). An unknown type is permanent. */
    static ServerFailure ofSetError(SetError error) {
        String text = cut(error.type() + (error.description().isBlank() ? "" : " (" + error.description() + ")"));
        return switch (error.type()) {
            case "rateLimit" -> new ServerFailure.Throttled(text, Optional.empty());
            case "serverFail", "serverUnavailable" -> new ServerFailure.Unreachable(text);
            case "stateMismatch" -> new ServerFailure.Conflict(text);
            default -> new ServerFailure.Rejected(error.type(), text);
        };
    }

    /**
     * An HTTP status that is not 200.
     *
     * @param body the body if it is JSON (problem details, RFC 7807), else missing
     * @param now to turn a date in Retry-After into a duration
     */
    public static ServerFailure ofStatus(int status, Optional<String> retryAfter, JsonNode body, Instant now) {
        String type = body.path("type").asText("");
        String error = type.startsWith(ERROR) ? type.substring(ERROR.length()) : "";
        String detail = body.path("detail").asText(body.path("title").asText(""));
        String text = cut("HTTP " + status + (error.isEmpty() ? "" : " " + error)
                + (detail.isBlank() ? "" : " (" + detail + ")"));
        if (status == 429) {
            return new ServerFailure.Throttled(text, retryAfter.flatMap(value -> duration(value, now)));
        }
        if (status == 503 && retryAfter.isPresent()) {
            return new ServerFailure.Throttled(text, duration(retryAfter.get(), now));
        }
        if (error.equals("limit")) {
            String limit = body.path("limit").asText("unknown");
            return limit.equals("maxConcurrentRequests")
                    ? new ServerFailure.Throttled(text, retryAfter.flatMap(value -> duration(value, now)))
                    : new ServerFailure.Rejected("limit:" + limit, text);
        }
        if (!error.isEmpty()) {
            return new ServerFailure.Rejected(error, text);
        }
        return switch (status) {
            case 401, 403 -> new ServerFailure.AuthRejected(text);
            case 413 -> new ServerFailure.Rejected("limit:maxSizeRequest", text);
            case 404, 405, 410, 400, 406, 415, 422 -> new ServerFailure.Rejected("http-" + status, text);
            // Redirects, timeouts (408), everything from 500: something in between, or the server for now.
            default -> new ServerFailure.Unreachable(text);
        };
    }

    /** Seconds or an HTTP date (RFC 9110 section 10.2.3), at most an hour; empty if it is neither. */
    static Optional<Duration> duration(String retryAfter, Instant now) {
        String value = retryAfter.strip();
        try {
            Duration duration = !value.isEmpty() && value.chars().allMatch(c -> c >= '0' && c <= '9')
                    ? Duration.ofSeconds(value.length() > 9 ? Long.MAX_VALUE / 1000 : Long.parseLong(value))
                    : Duration.between(
                            now,
                            ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME)
                                    .toInstant());
            return Optional.of(
                    duration.isNegative()
                            ? Duration.ZERO
                            : duration.compareTo(RETRY_AFTER_MAX) > 0 ? RETRY_AFTER_MAX : duration);
        } catch (DateTimeParseException notADate) {
            return Optional.empty();
        }
    }

    public static String cut(String text) {
        String clean = Text.clean(text);
        return clean.length() <= TEXT_LENGTH_MAX ? clean : Text.cut(clean, TEXT_LENGTH_MAX);
    }
}
