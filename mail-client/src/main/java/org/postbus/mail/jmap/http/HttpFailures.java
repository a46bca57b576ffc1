package org.postbus.mail.jmap.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.method.JmapFailures;

/**
 * What an HTTP status other than 200 means (RFC 8620 section 3.6.1, RFC 7807). Codes of {@link ServerFailure.Rejected} are the
 * RFC's error types, {@code limit:<name>} for a limit exceeded, or {@code http-<status>}.
 */
public final class HttpFailures {
    private static final String ERROR = "urn:ietf:params:jmap:error:";
    private static final Duration RETRY_AFTER_MAX = Duration.ofHours(1);

    private HttpFailures() {}

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
        String text = JmapFailures.cut("HTTP " + status + (error.isEmpty() ? "" : " " + error)
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
            // Redirects, timeouts (408) and everything from 500: a proxy, or a temporary problem of the server.
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
}
