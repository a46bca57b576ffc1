package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.model.EmailId;

/** Errors are problems, requests that are given up leave no connection, and the API describes itself. */
class ErrorsIT extends GatewayTest {
    @ParameterizedTest
    @CsvSource({
        "GET,    /v1/nothing,                      , 404",
        "PUT,    /v1/accounts,                     , 405",
        "PUT,    /v1/accounts/{a}/mailboxes,       , 405",
        "PUT,    /v1/accounts/{a}/emails/{a},      , 405",
        "POST,   /v1/accounts,          text/plain , 415",
        "POST,   /v1/accounts,    application/json , 400",
        "GET,    /v1/accounts?limit=0,             , 400",
        "GET,    /v1/accounts?limit=501,           , 400",
        "GET,    /v1/accounts?limit=ten,           , 400",
        "GET,    /v1/accounts?cursor=x,            , 400",
        "GET,    /v1/accounts/{a}/emails?cursor=x, , 400",
        "GET,    /v1/accounts/{a}/mutations?state=x, , 400",
        "GET,    /v1/accounts/{a}/changes?since=-1, , 400",
    })
    void every_error_is_a_problem(String method, String path, String contentType, int status) {
        // When
        Answer answer = api.call(
                method, path.replace("{a}", account.toString()), contentType == null ? null : "not json", contentType);

        // Then
        assertProblem(answer, status, method + " " + path);
    }

    @Test
    void a_body_that_is_too_large_is_a_problem() {
        assertProblem(api.call("POST", "/v1/accounts", " ".repeat(1_100_000)), 413, "1.1 MB");
    }

    @Test
    void the_openapi_document_describes_every_operation() {
        assertThat(openApi.at("/paths").size()).isGreaterThan(10);
        assertThat(openApi.at("/paths").has("/v1/events")).isTrue();
        assertThat(openApi.at("/components/securitySchemes/apiKey/scheme").asText())
                .isEqualTo("bearer");
        for (Operation operation : operations()) {
            assertThat(operation.summary()).as(operation.toString()).isNotBlank();
        }
    }

    @Test
    void the_openapi_document_describes_common_errors() {
        openApi.at("/paths").properties().stream()
                .filter(path -> path.getKey().startsWith("/v1"))
                .flatMap(path -> path.getValue().properties().stream())
                .forEach(operation -> assertThat(operation.getValue().get("responses").properties().stream()
                                .map(java.util.Map.Entry::getKey))
                        .as(operation.getKey() + " " + operation.getValue().path("summary"))
                        .contains("401", "429"));
        assertThat(openApi.at("/paths/~1v1~1accounts/post/responses").properties().stream()
                        .map(java.util.Map.Entry::getKey))
                .contains("201", "400", "401", "403", "408", "409", "413", "422", "429");
        assertThat(openApi.at("/components/schemas/Problem/properties/quota/properties").properties().stream()
                        .map(java.util.Map.Entry::getKey))
                .contains("name", "limit", "used");
    }

    @Test
    void canceled_requests_do_not_leak_connections() throws Exception {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "aborted");
        long seed = System.nanoTime();
        Random random = new Random(seed);

        // When
        for (int round = 0; round < 40; round++) {
            List<CompletableFuture<?>> calls = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                HttpRequest request = random.nextBoolean()
                        ? api.request(accountPath() + "/emails").build()
                        : api.request(emailPath(email))
                                .header("Content-Type", MERGE_PATCH)
                                .method("PATCH", HttpRequest.BodyPublishers.ofString("{\"keywords\":{\"$seen\":true}}"))
                                .build();
                calls.add(http.sendAsync(request, HttpResponse.BodyHandlers.discarding()));
            }
            TimeUnit.MICROSECONDS.sleep(random.nextInt(20_000));
            calls.forEach(call -> call.cancel(true));
        }

        // Then
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(
                        () -> assertThat(stored.value("""
                        select count(*) from pg_stat_activity
                        where datname = current_database() and usename = 'postbus_gateway' and state <> 'idle'""")).as("seed %d", seed).isEqualTo(0L));
        for (int i = 0; i < 40; i++) {
            assertThat(api.get(emailPath(email)).status()).as("seed %d", seed).isEqualTo(200);
        }
    }

    @Test
    void health_and_metrics_are_served_on_the_management_port_only() {
        // Given
        ApiCaller client = new ApiCaller(http, gateway.url(), Optional.empty());
        ApiCaller operator = new ApiCaller(http, gateway.management(), Optional.empty());
        client.get("/v1/a-path-that-is-no-label");
        client.get("/another-one");

        // Then
        for (String path : List.of("/q/health/live", "/q/health/ready", "/q/health", "/q/metrics", "/q/openapi")) {
            assertThat(client.get(path).status()).as(path).isEqualTo(404);
        }
        assertThat(operator.get("/q/health/live").status()).isEqualTo(200);
        assertThat(operator.get("/q/health/ready").status()).isEqualTo(200);
        assertThat(operator.get("/q/metrics").response().body())
                .contains("postbus_gateway_streams_open")
                .doesNotContain("a-path-that-is-no-label", "another-one", "uri=");
        assertThat(client.get("/openapi?format=json").status()).isEqualTo(200);
    }

    @Test
    void http_2_without_tls_is_not_offered() throws Exception {
        // Given
        HttpRequest upgrading = HttpRequest.newBuilder(gateway.url().resolve("/openapi"))
                .version(HttpClient.Version.HTTP_2)
                .build();

        // When
        HttpResponse<Void> answer = http.send(upgrading, HttpResponse.BodyHandlers.discarding());

        // Then
        assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
    }

    @Test
    void no_answer_is_stored_or_sniffed() {
        for (String path : List.of("/v1/accounts", accountPath() + "/emails", "/v1/nothing", "/openapi?format=json")) {
            var headers = api.get(path).response().headers();
            assertThat(headers.allValues("Cache-Control")).as(path).containsExactly("no-store");
            assertThat(headers.allValues("X-Content-Type-Options")).as(path).containsExactly("nosniff");
        }
    }
}
