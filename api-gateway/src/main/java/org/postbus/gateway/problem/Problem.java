package org.postbus.gateway.problem;

import jakarta.ws.rs.core.MediaType;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Why a request failed (RFC 9457): what the caller can change, and nothing about the implementation.
 *
 * @param title the reason phrase of the status, as RFC 9457 section 4.2.1 says for {@code about:blank}
 * @param errors where in the request; absent if no part of it is at fault
 * @param quota the one that is used up; absent for every other reason
 */
public record Problem(
        String type,
        String title,
        int status,
        Optional<String> detail,
        Optional<List<Violation>> errors,
        Optional<Exceeded> quota) {
    public static final String MEDIA_TYPE = "application/problem+json";
    static final MediaType TYPE = MediaType.valueOf(MEDIA_TYPE);

    public Problem {
        Objects.requireNonNull(type);
        Objects.requireNonNull(title);
        Objects.requireNonNull(detail);
        Objects.requireNonNull(errors);
        Objects.requireNonNull(quota);
    }

    /**
     * A quota that does not allow the request: see {@code GET /v1/usage}.
     *
     * @param used absent for a rate
     */
    public record Exceeded(String name, long limit, Optional<Long> used) {
        public Exceeded {
            Objects.requireNonNull(name);
            Objects.requireNonNull(used);
        }
    }

    /**
     * One error in a request.
     *
     * @param pointer a JSON Pointer as a URI fragment (RFC 6901 section 6), such as {@code #/keywords/$seen}
     */
    public record Violation(String detail, String pointer) {
        private static final int NAME_LENGTH_MAX = 200;
        private static final int DETAIL_LENGTH_MAX = 400;

        public Violation {
            Objects.requireNonNull(detail);
            Objects.requireNonNull(pointer);
        }

        /**
         * Names and detail may hold text of the request: they are cut off at {@value #NAME_LENGTH_MAX} and {@value #DETAIL_LENGTH_MAX}
         * characters.
         *
         * @param names the path to the property, from the top of the document
         */
        public static Violation at(String detail, String... names) {
            StringBuilder pointer = new StringBuilder("#");
            for (String name : names) {
                pointer.append('/')
                        .append(SafeText.of(name, NAME_LENGTH_MAX)
                                .replace("~", "~0")
                                .replace("/", "~1"));
            }
            return new Violation(SafeText.of(detail, DETAIL_LENGTH_MAX), pointer.toString());
        }
    }

    static Problem of(int status, String detail) {
        return of(status, detail, Optional.empty());
    }

    private static Problem of(int status, String detail, Optional<Exceeded> quota) {
        return new Problem("about:blank", title(status), status, Optional.ofNullable(detail), Optional.empty(), quota);
    }

    public static ProblemException badRequest(String detail) {
        return new ProblemException(of(400, detail));
    }

    public static ProblemException unauthorized(String detail) {
        return new ProblemException(of(401, detail));
    }

    public static ProblemException forbidden(String detail) {
        return new ProblemException(of(403, detail));
    }

    /** A quota of what is stored is used up. */
    public static ProblemException forbidden(String detail, Exceeded quota) {
        return new ProblemException(of(403, detail, Optional.of(quota)));
    }

    public static ProblemException methodNotAllowed(String detail) {
        return new ProblemException(of(405, detail));
    }

    /** The same answer for what does not exist and for what belongs to another tenant. */
    public static ProblemException notFound(String what) {
        return new ProblemException(of(404, "there is no such " + what));
    }

    public static ProblemException conflict(String detail) {
        return new ProblemException(of(409, detail));
    }

    /** Of more than {@value Violations#SHOWN_MAX} violations the problem shows the first, and how many more there are. */
    public static ProblemException invalid(List<Violation> violations) {
        List<Violation> shown = Violations.limited(violations);
        return new ProblemException(new Problem(
                "about:blank",
                title(422),
                422,
                Optional.of("correct the request and send it again: "
                        + shown.stream().map(Violation::detail).collect(Collectors.joining("; "))),
                Optional.of(shown),
                Optional.empty()));
    }

    /** The request is well formed and can not be fulfilled, and no property of it is at fault. */
    public static ProblemException unprocessable(String detail) {
        return new ProblemException(of(422, detail));
    }

    /** The client sends too slowly. */
    public static ProblemException timeout(String detail) {
        return new ProblemException(of(408, detail));
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

    /** Temporary. The response carries {@code retryAfter}. */
    public static ProblemException unavailable(String detail, Duration retryAfter) {
        return new ProblemException(of(503, detail), Optional.of(retryAfter));
    }

    public static ProblemException tooMany(String detail, Duration retryAfter) {
        return new ProblemException(of(429, detail), Optional.of(retryAfter));
    }

    /** A quota of a rate, or of a number at a time, is used up. */
    public static ProblemException tooMany(String detail, Duration retryAfter, Exceeded quota) {
        return new ProblemException(of(429, detail, Optional.of(quota)), Optional.of(retryAfter));
    }

    /** What existed and will not come back. */
    public static ProblemException gone(String detail) {
        return new ProblemException(of(410, detail));
    }

    /** The mail server refuses, or its answer can not be understood. */
    public static ProblemException badGateway(String detail) {
        return new ProblemException(of(502, detail));
    }

    private static String title(int status) {
        return switch (status) {
            case 400 -> "Bad Request";
            case 401 -> "Unauthorized";
            case 403 -> "Forbidden";
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 406 -> "Not Acceptable";
            case 408 -> "Request Timeout";
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
