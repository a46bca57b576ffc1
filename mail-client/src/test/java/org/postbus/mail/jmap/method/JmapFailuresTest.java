package org.postbus.mail.jmap.method;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.mail.ServerFailure;

/** What each error of a method and of an object means. A rejection shows its code. */
class JmapFailuresTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Email/get: serverFail (oops)         | true",
                "HTTP 500                             | true",
                "no answer within 60 s                | false",
                "the connection was closed: HTTP/1.1  | false"
            })
    void an_answer_is_told_from_none(String text, boolean answer) {
        assertThat(JmapFailures.isAnswer(new ServerFailure.Unreachable(text))).isEqualTo(answer);
    }

    @ParameterizedTest
    @CsvSource({
        "cannotCalculateChanges,      CursorLost",
        "stateMismatch,               Conflict",
        "serverUnavailable,           Unreachable",
        "serverFail,                  Unreachable",
        "serverPartialFail,           OutcomeUnknown",
        "somethingNew,                Unreachable",
        "rateLimit,                   Throttled",
        "unknownMethod,               Rejected unknownMethod",
        "invalidArguments,            Rejected invalidArguments",
        "invalidResultReference,      Rejected invalidResultReference",
        "forbidden,                   Rejected forbidden",
        "accountNotFound,             Rejected accountNotFound",
        "accountNotSupportedByMethod, Rejected accountNotSupportedByMethod",
        "accountReadOnly,             Rejected accountReadOnly",
        "requestTooLarge,             Rejected requestTooLarge",
        "unsupportedFilter,           Rejected unsupportedFilter",
        "unsupportedSort,             Rejected unsupportedSort",
        "anchorNotFound,              Rejected anchorNotFound",
    })
    void method_errors(String type, String failure) {
        assertThat(shown(JmapFailures.ofMethodError("Email/get", type, ""))).isEqualTo(failure);
    }

    @ParameterizedTest
    @CsvSource({
        "rateLimit,         Throttled",
        "serverFail,        Unreachable",
        "stateMismatch,     Conflict",
        "notFound,          Rejected notFound",
        "forbidden,         Rejected forbidden",
        "overQuota,         Rejected overQuota",
        "invalidPatch,      Rejected invalidPatch",
        "invalidProperties, Rejected invalidProperties",
        "tooManyKeywords,   Rejected tooManyKeywords",
        "somethingNew,      Rejected somethingNew",
    })
    void set_errors(String type, String failure) {
        assertThat(shown(new SetError(type, "", List.of()).failure())).isEqualTo(failure);
    }

    @Test
    void texts_are_cut_and_clean() {
        ServerFailure failure = JmapFailures.ofMethodError("Email/get", "serverFail", "a\u0000b".repeat(1000));

        assertThat(failure.text()).hasSizeLessThanOrEqualTo(300).doesNotContain("\u0000");
    }

    private static String shown(ServerFailure failure) {
        return switch (failure) {
            case ServerFailure.Rejected(var code, var text) -> "Rejected " + code;
            case ServerFailure.Throttled(var text, var retryAfter) ->
                "Throttled"
                        + retryAfter
                                .map(Duration::toString)
                                .map(duration -> " " + duration)
                                .orElse("");
            case ServerFailure.Unreachable unreachable -> "Unreachable";
            case ServerFailure.LimitExceeded tooMuch -> "LimitExceeded";
            case ServerFailure.AuthRejected rejected -> "AuthRejected";
            case ServerFailure.CursorLost lost -> "CursorLost";
            case ServerFailure.Conflict conflict -> "Conflict";
            case ServerFailure.OutcomeUnknown unknown -> "OutcomeUnknown";
        };
    }
}
