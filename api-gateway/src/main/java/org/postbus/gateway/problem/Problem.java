package org.postbus.gateway.problem;

import jakarta.ws.rs.core.MediaType;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Why a request was not done (RFC 9457). It says what the caller can change and nothing about our insides.
 *
 * @param title the status's own phrase, for {@code type} is {@code about:blank}
 * @param errors where in the request, if it can be said; absent otherwise
 */
public record Problem(
        String type, String title, int status, Optional<String> detail, Optional<List<Violation>> errors) {
    public static final String MEDIA_TYPE = "application/problem+json";
    static final MediaType TYPE = MediaType.valueOf(MEDIA_TYPE);

    public Problem {
        Objects.requireNonNull(type);
        Objects.requireNonNull(title);
        Objects.requireNonNull(detail);
        Objects.requireNonNull(errors);
    }

    /**
     * One thing that is wrong with a request.
     *
     * @param pointer a JSON Pointer as a URI fragment (RFC 6901 section 6), such as {@code #/keywords/$seen}
     */
    public record Violation(String detail, String pointer) {
        public Violation {
            Objects.requireNonNull(detail);
            Objects.requireNonNull(pointer);
        }

        /** At the property that the names lead to. */
        public static Violation at(String detail, String... names) {
            StringBuilder pointer = new StringBuilder("#");
            for (String name : names) {
                pointer.append('/').append(name.replace("~", "~0").replace("/", "~1"));
            }
            return new Violation(detail, pointer.toString());
        }
    }

    static Problem of(int status, String detail) {
        return new Problem("about:blank", title(status), status, Optional.ofNullable(detail), Optional.empty());
    }

    public static ProblemException badRequest(String detail) {
        return new ProblemException(of(400, detail));
    }

    public static ProblemException unauthorized(String detail) {
        return new ProblemException(of(401, detail));
    }

    /** The same answer for what is not there and for what belongs to somebody else. */
    public static ProblemException notFound(String what) {
        return new ProblemException(of(404, "there is no such " + what));
    }

    public static ProblemException conflict(String detail) {
        return new ProblemException(of(409, detail));
    }

    public static ProblemException invalid(List<Violation> violations) {
        return new ProblemException(new Problem(
                "about:blank",
                title(422),
                422,
                Optional.of("the request's content is not valid: "
                        + violations.stream()
                                .map(Violation::detail)
                                .reduce((a, b) -> a + "; " + b)
                                .orElse("")),
                Optional.of(violations)));
    }

    /** Well formed, and it can not be done; no part of the content is at fault. */
    public static ProblemException unprocessable(String detail) {
        return new ProblemException(of(422, detail));
    }

    public static ProblemException tooLarge(String detail) {
        return new ProblemException(of(413, detail));
    }

    public static ProblemException tooMany(String detail) {
        return new ProblemException(of(429, detail));
    }

    public static ProblemException unavailable(String detail) {
        return new ProblemException(of(503, detail));
    }

    /** The mail server keeps us from doing it for now. */
    public static ProblemException unavailable(String detail, Duration retryAfter) {
        return new ProblemException(of(503, detail), Optional.of(retryAfter));
    }

    public static ProblemException tooMany(String detail, Duration retryAfter) {
        return new ProblemException(of(429, detail), Optional.of(retryAfter));
    }

    /** What was there and will not come back. */
    public static ProblemException gone(String detail) {
        return new ProblemException(of(410, detail));
    }

    /** The mail server understood and refuses, or its answer makes no sense. */
    public static ProblemException badGateway(String detail) {
        return new ProblemException(of(502, detail));
    }

    private static String title(int status) {
        return switch (status) {
            case 400 -> "Bad Request";
            case 401 -> "Unauthorized";
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 406 -> "Not Acceptable";
            case 409 -> "Conflict";
            case 410 -> "Gone";
            case 413 -> "Content Too Large";
            case 415 -> "Unsupported Media Type";
            case 422 -> "Unprocessable Content";
            case 429 -> "Too Many Requests";
            case 500 -> "Internal Server Error";
            case 502 -> "Bad Gateway";
            case 503 -> "Service Unavailable";
            default -> "HTTP " + status;
        };
    }
}
