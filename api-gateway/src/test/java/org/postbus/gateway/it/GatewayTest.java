package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.postbus.account.Secret;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.process.Secrets;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.TenantId;

/**
 * The built service over HTTP, with a real database and a real broker. Two gateways run: {@code gateway} reaches this machine, {@code strict}
 * refuses them. Each test has an account of its own with two mailboxes.
 */
abstract class GatewayTest {
    static final Duration SOON = Duration.ofSeconds(20);
    static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    static final String MERGE_PATCH = "application/merge-patch+json";

    static final HttpClient http;
    static final Kafka kafka;
    static final StoredMail stored;
    static final GatewayProcess gateway;
    static final GatewayProcess strict;
    static final ApiKey ourKey;
    static final ApiKey theirKey;
    static final Secret operatorKey;
    static final JsonNode openApi;

    // Once for all test classes; the processes end with this JVM.
    static {
        try {
            http = HttpClient.newHttpClient();
            Database database = DevStack.postgres().freshDatabase();
            kafka = DevStack.kafka(4);
            stored = StoredMail.in(database);
            ourKey = ApiKey.issue(database, "ours");
            theirKey = ApiKey.issue(database, "theirs");
            operatorKey = ApiKey.fresh();
            Path operatorKeyFile = Path.of("target", "gateway-it-operator-key").toAbsolutePath();
            Secrets.writePrivately(operatorKeyFile, operatorKey.reveal() + "\n");
            // The tests say from which address they come.
            Map<String, String> common = Map.of(
                    "POSTBUS_OPERATOR_KEY_FILE", operatorKeyFile.toString(), "POSTBUS_TRUSTED_PROXIES", "127.0.0.1");
            Map<String, String> permissive = new HashMap<>(common);
            permissive.putAll(GatewayProcess.TO_THIS_MACHINE);
            // The tests share a tenant, and attack faster than a rate allows.
            permissive.put("POSTBUS_QUOTA_REQUESTS_PER_SECOND", "100000");
            permissive.put("POSTBUS_QUOTA_REQUESTS_BURST", "100000");
            permissive.put("POSTBUS_QUOTA_CHECKS_PER_MINUTE", "100000");
            gateway = GatewayProcess.start("gateway", database, kafka, permissive);
            strict = GatewayProcess.start("gateway-strict", database, kafka, common);
            gateway.awaitReady(http);
            strict.awaitReady(http);
            openApi = new ApiCaller(http, gateway.url(), Optional.empty())
                    .get("/openapi?format=json")
                    .json();
        } catch (IOException | SQLException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    ApiCaller api;
    TenantId tenant;
    AccountId account;
    MailboxId inbox;
    MailboxId archive;

    @BeforeEach
    void newAccount() {
        api = caller(gateway, ourKey);
        tenant = ourKey.tenant();
        account = createAccount(api);
        inbox = stored.mailbox(tenant, account, "INBOX");
        archive = stored.mailbox(tenant, account, "Archive");
    }

    /** An operation under /v1, taken from the OpenAPI document, so that a new one is tested without being named here. */
    record Operation(String method, String path, String summary) {
        boolean namesAnAccount() {
            return path.contains("{accountId}");
        }

        Answer call(ApiCaller api, AccountId account, UUID email, UUID mutation) {
            return at(
                    api,
                    path.replace("{accountId}", account.toString())
                            .replace("{emailId}", email.toString())
                            .replace("{mailboxId}", email.toString())
                            .replace("{mutationId}", mutation.toString())
                            .replace("{submissionId}", mutation.toString())
                            .replace("{partId}", "1")
                            .replaceAll("\\{\\w+}", mutation.toString()));
        }

        Answer at(ApiCaller api, String path) {
            String body = List.of("POST", "PATCH", "PUT").contains(method)
                            && !path.endsWith("/sync")
                            && !path.endsWith("/retry")
                    ? bodyOf(path)
                    : null;
            return api.call(method, path, body);
        }

        private static String bodyOf(String path) {
            if (path.endsWith("/batch")) {
                return "{\"destroy\":[\"" + UUID.randomUUID() + "\"]}";
            }
            if (path.endsWith("/rotate")) {
                return "{}";
            }
            if (path.contains("/mailboxes")) {
                return "{\"name\":\"x\"}";
            }
            return path.contains("/emails/") ? "{\"keywords\":{\"$seen\":true}}" : "{\"status\":\"paused\"}";
        }

        @Override
        public String toString() {
            return method + " " + path;
        }
    }

    static List<Operation> operations() {
        List<Operation> operations = new ArrayList<>();
        openApi.at("/paths")
                .properties()
                .forEach(path -> path.getValue().properties().stream()
                        .filter(operation -> path.getKey().startsWith("/v1"))
                        .forEach(operation -> operations.add(new Operation(
                                operation.getKey().toUpperCase(Locale.ROOT),
                                path.getKey(),
                                operation.getValue().path("summary").asText()))));
        return operations;
    }

    static ApiCaller caller(GatewayProcess process, ApiKey key) {
        return new ApiCaller(http, process.url(), Optional.of(key.text().reveal()));
    }

    static ApiCaller operator() {
        return new ApiCaller(http, gateway.url(), Optional.of(operatorKey.reveal()));
    }

    /** Makes a key as an operator does. @param properties of the request, beside the name: JSON without braces */
    static Answer createKey(TenantId tenant, String properties) {
        Answer answer = operator()
                .call("POST", "/v1/admin/tenants/" + tenant + "/keys", "{\"name\": \"test\", " + properties + "}");
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(201);
        return answer;
    }

    static String secret(Answer created) {
        return created.json().get("secret").asText();
    }

    static String keyId(Answer created) {
        return created.json().at("/key/id").asText();
    }

    static AccountId createAccount(ApiCaller api) {
        Answer answer = api.call("POST", "/v1/accounts", accountOf("alice-" + id()));
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(201);
        AccountId account = AccountId.of(answer.json().get("id").asText());
        assertThat(answer.response().headers().firstValue("Location"))
                .hasValueSatisfying(location -> assertThat(location).endsWith("/v1/accounts/" + account));
        return account;
    }

    static String accountAt(String host, int port) {
        return accountAt(host, port, "none");
    }

    static String accountAt(String host, int port, String tls) {
        return """
                {"protocol": "imap", "email": "alice@example.com", "password": "s3cret",
                 "imap": {"host": "%s", "port": %d, "tls": "%s"}}""".formatted(host, port, tls);
    }

    /** A mailbox that no other account has, if the name is a new one. */
    static String accountOf(String username) {
        return accountAt("127.0.0.1", 1143).replaceFirst("\\{", "{\"username\": \"" + username + "\", ");
    }

    String accountPath() {
        return "/v1/accounts/" + account;
    }

    String emailPath(EmailId email) {
        return accountPath() + "/emails/" + email;
    }

    String mutationPath(String mutation) {
        return accountPath() + "/mutations/" + mutation;
    }

    Answer patch(EmailId email, String patch) {
        return api.call("PATCH", emailPath(email), patch, MERGE_PATCH);
    }

    String patched(EmailId email, String patch) {
        Answer answer = patch(email, patch);
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(202);
        return answer.json().get("mutationId").asText();
    }

    List<String> listed(Optional<MailboxId> mailbox, int limit) {
        List<String> ids = new ArrayList<>();
        String query = "?limit=" + limit + mailbox.map(id -> "&mailboxId=" + id).orElse("");
        String next = "";
        do {
            Answer answer = api.get(accountPath() + "/emails" + query + next);
            assertThat(answer.status()).isEqualTo(200);
            ids.addAll(ids(answer.json()));
            next = answer.json().has("next")
                    ? "&cursor=" + answer.json().get("next").asText()
                    : null;
        } while (next != null);
        return ids;
    }

    /** @return the status */
    CompletableFuture<Integer> callAsync(String method, String path, String body) {
        return callAsync(api, method, path, body, Optional.empty());
    }

    static CompletableFuture<Integer> callAsync(
            ApiCaller api, String method, String path, String body, Optional<String> idempotencyKey) {
        HttpRequest.Builder request = api.request(path)
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .header("Content-Type", ApiCaller.JSON);
        idempotencyKey.ifPresent(key -> request.header("Idempotency-Key", key));
        return http.sendAsync(request.build(), HttpResponse.BodyHandlers.discarding())
                .thenApply(HttpResponse::statusCode);
    }

    static List<String> ids(JsonNode page) {
        return StreamSupport.stream(page.get("list").spliterator(), false)
                .map(item -> item.get("id").asText())
                .toList();
    }

    static UUID id() {
        return UUID.randomUUID();
    }

    static List<String> pointers(Answer answer) {
        return answer.json().get("errors").findValuesAsText("pointer");
    }

    static void assertPointer(Answer answer, String pointer) {
        assertProblem(answer, 422, pointer);
        assertThat(pointers(answer)).containsExactly(pointer);
    }

    static void assertProblem(Answer answer, int status, Object what) {
        assertThat(answer.status()).as("%s: %s", what, answer.json()).isEqualTo(status);
        assertThat(answer.contentType()).as("%s", what).isEqualTo(Problem.MEDIA_TYPE);
        assertThat(answer.json().get("status").asInt()).as("%s", what).isEqualTo(status);
        assertThat(new TreeSet<>(answer.json().properties().stream()
                        .map(Map.Entry::getKey)
                        .toList()))
                .as("%s", what)
                .contains("status", "title", "type")
                .isSubsetOf("status", "title", "type", "detail", "errors", "quota");
    }
}
