package org.postbus.mail.jmap.method;

import java.util.Optional;
import java.util.regex.Pattern;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.Text;

/**
 * What each error of a method or an object means. Pure. Codes of {@link ServerFailure.Rejected} are the RFCs' error
 * types.
 */
public final class JmapFailures {
    private static final int TEXT_LENGTH_MAX = 300;
    /** How the texts of these failures begin: {@code Email/get: serverFail}, {@code HTTP 500}. */
    private static final Pattern ANSWER = Pattern.compile("[A-Z][A-Za-z]+/[A-Za-z]+: |HTTP \\d{3}");

    private JmapFailures() {}

    /** A method-level error (RFC 8620 section 3.6.2, and the methods' own). An unknown type is taken as serverFail. */
    public static ServerFailure ofMethodError(String method, String type, String description) {
        String text = cut(method + ": " + type + (description.isBlank() ? "" : " (" + description + ")"));
        return switch (type) {
            case "cannotCalculateChanges" -> new ServerFailure.CursorLost(text);
            case "stateMismatch" -> new ServerFailure.Conflict(text);
            case "rateLimit" -> new ServerFailure.Throttled(text, Optional.empty());
            case "serverUnavailable", "serverFail" -> new ServerFailure.Unreachable(text);
            // Some of it was executed; only the server's state shows which part.
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

    /** Whether the failure is the server's answer to a request: an error of a method, or an HTTP status. Otherwise there was no answer. */
    public static boolean isAnswer(ServerFailure failure) {
        return ANSWER.matcher(failure.text()).lookingAt();
    }

    public static String cut(String text) {
        String clean = Text.clean(text);
        return clean.length() <= TEXT_LENGTH_MAX ? clean : Text.cut(clean, TEXT_LENGTH_MAX);
    }
}
