package org.postbus.mail.jmap.method;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.codec.EventCodec;
import org.postbus.mail.ServerFailure;

/** The table: what the server says, and what it means. A rejection shows its code. */
class JmapFailuresTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

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

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "400 |     | {'type':'urn:ietf:params:jmap:error:notJSON'}           | Rejected notJSON",
                "400 |     | {'type':'urn:ietf:params:jmap:error:notRequest'}        | Rejected notRequest",
                "400 |     | {'type':'urn:ietf:params:jmap:error:unknownCapability'} | Rejected unknownCapability",
                "400 |     | {'type':'urn:ietf:params:jmap:error:limit','limit':'maxObjectsInGet'}"
                        + " | Rejected limit:maxObjectsInGet",
                "400 |     | {'type':'urn:ietf:params:jmap:error:limit','limit':'maxConcurrentRequests'} | Throttled",
                "400 |     | {'type':'about:blank'} | Rejected http-400",
                "401 |     |  | AuthRejected",
                "403 |     |  | AuthRejected",
                "404 |     |  | Rejected http-404",
                "413 |     |  | Rejected limit:maxSizeRequest",
                "429 |     |  | Throttled",
                "429 | 7   |  | Throttled PT7S",
                "429 | Thu, 01 Jan 2026 00:01:00 GMT |  | Throttled PT1M",
                "503 |     |  | Unreachable",
                "503 | 120 |  | Throttled PT2M",
                "503 | 999999999999999999999 |  | Throttled PT1H",
                "503 | Wed, 31 Dec 2025 00:00:00 GMT |  | Throttled PT0S",
                "503 | soon |  | Throttled",
                "500 |     |  | Unreachable",
                "502 |     |  | Unreachable",
                "504 |     |  | Unreachable",
                "302 |     |  | Unreachable",
                "408 |     |  | Unreachable",
            })
    void http_statuses(int status, String retryAfter, String body, String failure) {
        JsonNode json =
                body == null ? MissingNode.getInstance() : EventCodec.decode(body.replace('\'', '"'), JsonNode.class);

        assertThat(shown(JmapFailures.ofStatus(status, Optional.ofNullable(retryAfter), json, NOW)))
                .isEqualTo(failure);
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
            case ServerFailure.AuthRejected rejected -> "AuthRejected";
            case ServerFailure.CursorLost lost -> "CursorLost";
            case ServerFailure.Conflict conflict -> "Conflict";
            case ServerFailure.OutcomeUnknown unknown -> "OutcomeUnknown";
        };
    }
}
