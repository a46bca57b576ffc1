package org.postbus.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.postbus.gateway.problem.ProblemException;

@Timeout(10)
class RequestJsonTest {
    @Test
    void bodies_within_the_limits_are_read() {
        String name = "n".repeat(RequestJson.NAME_LENGTH_MAX);
        assertThat(object("{\"a\":" + "[".repeat(RequestJson.NESTING_MAX - 1) + "]".repeat(RequestJson.NESTING_MAX - 1)
                                + "}")
                        .has("a"))
                .isTrue();
        assertThat(object("{\"" + name + "\":1}").has(name)).isTrue();
        assertThat(object("{\"text\":\"" + "x".repeat(10 << 20) + "\"}")
                        .get("text")
                        .textValue())
                .hasSize(10 << 20);
    }

    @Test
    void bodies_beyond_a_limit_are_refused() {
        refused(400, "{\"a\":" + "[".repeat(RequestJson.NESTING_MAX) + "]".repeat(RequestJson.NESTING_MAX) + "}");
        refused(400, "{\"a\":" + "[".repeat(500_000));
        refused(400, "{\"" + "n".repeat(RequestJson.NAME_LENGTH_MAX + 1) + "\":1}");
        refused(400, "{\"port\":" + "9".repeat(RequestJson.NUMBER_LENGTH_MAX + 1) + "}");
        refused(400, "{\"port\":1" + "0".repeat(1_000_000) + "}");
        refused(400, "{\"text\":\"" + "x".repeat(RequestJson.STRING_LENGTH_MAX + 1) + "\"}");
        refused(400, keys(RequestJson.TOKENS_MAX));
    }

    @Test
    void a_property_is_named_once() {
        refused(400, "{\"port\":993,\"port\":143}");
        refused(400, "{\"imap\":{\"port\":993,\"port\":143}}");
    }

    @Test
    void what_is_no_object_is_refused() {
        refused(400, "");
        refused(400, "{");
        refused(400, "{} {}");
        refused(400, "not json");
        refused(422, "[]");
        refused(422, "null");
        refused(422, "7");
    }

    /** These have the same hash code in Java, so a table without order would compare each name with all others. */
    @Test
    void names_with_equal_hash_codes_are_read_quickly() {
        String json = IntStream.range(0, 1 << 15)
                .mapToObj(i -> "\""
                        + IntStream.range(0, 15)
                                .mapToObj(bit -> (i >> bit & 1) == 0 ? "Aa" : "BB")
                                .collect(Collectors.joining())
                        + "\":1")
                .collect(Collectors.joining(",", "{", "}"));

        assertThat(object(json).size()).isEqualTo(1 << 15);
    }

    private static String keys(int count) {
        return IntStream.range(0, count).mapToObj(i -> "\"" + i + "\":1").collect(Collectors.joining(",", "{", "}"));
    }

    private static com.fasterxml.jackson.databind.JsonNode object(String json) {
        return RequestJson.object(json.getBytes(StandardCharsets.UTF_8));
    }

    private static void refused(int status, String json) {
        ProblemException refused = catchThrowableOfType(ProblemException.class, () -> object(json));
        assertThat(refused).as(json.substring(0, Math.min(50, json.length()))).isNotNull();
        assertThat(refused.problem().status())
                .as(json.substring(0, Math.min(50, json.length())))
                .isEqualTo(status);
    }
}
