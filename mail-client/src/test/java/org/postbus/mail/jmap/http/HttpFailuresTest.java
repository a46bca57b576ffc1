package org.postbus.mail.jmap.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.codec.EventCodec;
import org.postbus.mail.ServerFailure;

/** What each HTTP status means. A rejection shows its code. */
class HttpFailuresTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

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

        assertThat(shown(HttpFailures.ofStatus(status, Optional.ofNullable(retryAfter), json, NOW)))
                .isEqualTo(failure);
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
