package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.account.Secret;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.devstack.postgres.Postgres;
import org.postbus.devstack.process.Secrets;
import org.postbus.gateway.it.ApiCaller.Answer;

/**
 * The database hangs, refuses, restarts or ends connections, while every route is called. Each request has an answer in bounded time: 503 with
 * Retry-After, a problem that says what to do, and never 500. Afterwards everything works without a restart of the gateway.
 */
class DatabaseAwayIT {
    /** The gateway's limit is 8 s; the rest is for a machine that is busy with other tests. */
    private static final Duration ANSWER_MAX = Duration.ofSeconds(15);

    private static final Duration BACK_MAX = Duration.ofSeconds(40);
    /** They ask a mail server or the DNS, and the database only for the key. */
    private static final Set<String> WITHOUT_DATABASE = Set.of("POST /v1/accounts/check", "GET /v1/discovery");

    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static Postgres postgres;
    private static GatewayProcess gateway;
    private static ApiCaller tenant;
    private static ApiCaller operator;
    private static String tenantId;
    private static String accountId;
    private static List<Call> calls;

    /** @param path with ids */
    private record Call(ApiCaller caller, String method, String path, String body) {
        private String name() {
            return method + " "
                    + path.replaceAll("[0-9a-f]{8}-[0-9a-f-]{27}", "{id}").replaceFirst("\\?.*", "");
        }
    }

    private record Outcome(Call call, Answer answer, Duration took) {
        @Override
        public String toString() {
            return call.name() + ": " + answer.status() + " after " + took.toMillis() + " ms " + answer.json();
        }

        private boolean isUnavailable() {
            return answer.status() == 503
                    && answer.response().headers().firstValue("Retry-After").isPresent()
                    && answer.json().path("detail").asText().contains("repeat the request");
        }
    }

    @BeforeAll
    static void start() throws IOException, SQLException {
        postgres = Postgres.start(Postgres.Settings.temporary(
                Path.of("target", "dev-stack", "postgres-away.log").toAbsolutePath()));
        ApiKey key = ApiKey.issue(postgres.database(), "database away");
        Secret operatorKey = ApiKey.fresh();
        Path operatorKeyFile = Path.of("target", "database-away-operator-key").toAbsolutePath();
        Secrets.writePrivately(operatorKeyFile, operatorKey.reveal() + "\n");
        Map<String, String> more = new HashMap<>(GatewayProcess.TO_THIS_MACHINE);
        more.put("POSTBUS_OPERATOR_KEY_FILE", operatorKeyFile.toString());
        more.put("POSTBUS_QUOTA_REQUESTS_PER_SECOND", "100000");
        more.put("POSTBUS_QUOTA_REQUESTS_BURST", "100000");
        more.put("POSTBUS_QUOTA_SYNCS_PER_ACCOUNT_AND_MINUTE", "100000");
        gateway = GatewayProcess.start("gateway-database-away", postgres.database(), DevStack.kafka(4), more);
        gateway.awaitReady(HTTP);
        tenant = new ApiCaller(HTTP, gateway.url(), Optional.of(key.text().reveal()));
        operator = new ApiCaller(HTTP, gateway.url(), Optional.of(operatorKey.reveal()));
        tenantId = key.tenant().toString();
        Answer created = tenant.call("POST", "/v1/accounts", GatewayTest.accountOf("away"));
        assertThat(created.status()).isEqualTo(201);
        accountId = created.json().get("id").asText();
        calls = calls();
    }

    @AfterAll
    static void stop() {
        if (gateway != null) {
            gateway.close();
        }
        if (postgres != null) {
            postgres.close();
        }
    }

    @Test
    void every_route_answers_503_while_the_database_hangs_and_works_again_afterwards() throws Exception {
        // Every call passes authentication: the keys are in the cache for 2 s.
        awaitAllWork();
        tenant.get("/v1/usage");
        operator.get("/v1/admin/tenants");

        List<Outcome> atOnce;
        List<Outcome> later;
        List<Outcome> underLoad;
        try (Load load = new Load()) {
            Thread.sleep(1_000);
            tenant.get("/v1/usage");
            operator.get("/v1/admin/tenants");
            signal("STOP");
            try {
                atOnce = callAll();
                // By now the connections that hung have been closed, and no new one has been made.
                Thread.sleep(22_000);
                later = new ArrayList<>(callAll());
                later.add(outcome(new Call(tenant, "GET", "/v1/events", null)));
            } finally {
                signal("CONT");
            }
            underLoad = load.end();
        }

        assertThat(atOnce)
                .filteredOn(outcome -> outcome.took().compareTo(ANSWER_MAX) > 0)
                .isEmpty();
        assertThat(atOnce).allMatch(DatabaseAwayIT::isUnavailableOrNeedsNoDatabase);
        assertThat(later).allMatch(Outcome::isUnavailable);
        assertThat(later).allMatch(outcome -> outcome.took().compareTo(ANSWER_MAX) <= 0);
        assertThat(underLoad).hasSizeGreaterThan(calls.size());
        assertThat(underLoad).allMatch(DatabaseAwayIT::isNoError);
        awaitAllWork();
    }

    @Test
    void connections_that_the_server_ends_are_503_at_most() throws Exception {
        awaitAllWork();
        List<Outcome> outcomes;
        try (Load load = new Load();
                Connection admin = postgres.database().connectAsAdmin()) {
            for (int i = 0; i < 40; i++) {
                Thread.sleep(100);
                admin.createStatement()
                        .execute(
                                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postbus_gateway'");
            }
            outcomes = load.end();
        }
        assertThat(outcomes).hasSizeGreaterThan(calls.size());
        assertThat(outcomes).allMatch(DatabaseAwayIT::isNoError);
        awaitAllWork();
    }

    @Test
    void a_server_that_was_killed_refuses_and_comes_back() throws Exception {
        awaitAllWork();
        List<Outcome> refused;
        List<Outcome> outcomes;
        try (Load load = new Load()) {
            Thread.sleep(500);
            postgres.process().kill();
            Thread.sleep(3_000);
            refused = callAll();
            postgres.restart();
            outcomes = load.end();
        }
        assertThat(refused).allMatch(Outcome::isUnavailable);
        assertThat(outcomes).allMatch(DatabaseAwayIT::isNoError);
        awaitAllWork();
    }

    @Test
    void a_server_that_lets_nobody_in_is_503() throws Exception {
        for (String[] way : new String[][] {
            {"alter role postbus_gateway connection limit 0", "alter role postbus_gateway connection limit -1"},
            {"alter role postbus_gateway nologin", "alter role postbus_gateway login"},
        }) {
            awaitAllWork();
            admin(way[0]);
            try {
                admin("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postbus_gateway'");
                // The keys leave the cache.
                Thread.sleep(2_500);
                assertThat(callAll()).as(way[0]).allMatch(Outcome::isUnavailable);
            } finally {
                admin(way[1]);
            }
        }
        awaitAllWork();
    }

    @Test
    void a_server_that_has_become_read_only_serves_reads_and_answers_503_to_changes() throws Exception {
        awaitAllWork();
        admin("alter database postbus set default_transaction_read_only = on");
        try {
            admin("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postbus_gateway'");
            await().atMost(BACK_MAX).until(() -> tenant.get("/v1/accounts").status() == 200);
            Answer change = tenant.call(
                    "PATCH", "/v1/accounts/" + accountId, "{\"password\":\"new\"}", GatewayTest.MERGE_PATCH);
            List<Outcome> outcomes = callAll();
            assertThat(outcomes).allMatch(DatabaseAwayIT::isNoError);
            assertThat(outcomes)
                    .filteredOn(outcome -> outcome.call().name().equals("PATCH /v1/admin/tenants/{id}/quotas"))
                    .allMatch(Outcome::isUnavailable);
            assertThat(change.status()).isEqualTo(503);
        } finally {
            admin("alter database postbus reset default_transaction_read_only");
            admin("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postbus_gateway'");
        }
        awaitAllWork();
    }

    private static boolean isUnavailableOrNeedsNoDatabase(Outcome outcome) {
        return outcome.isUnavailable()
                || WITHOUT_DATABASE.contains(outcome.call().name())
                        && outcome.answer().status() < 500;
    }

    /** Also 502 and 504 would be none of the database's. */
    private static boolean isNoError(Outcome outcome) {
        return outcome.took().compareTo(ANSWER_MAX) <= 0
                && (outcome.answer().status() < 500 || outcome.isUnavailable());
    }

    private static void awaitAllWork() {
        await().atMost(BACK_MAX)
                .untilAsserted(() -> assertThat(callAll())
                        .allMatch(outcome -> outcome.answer().status() < 500));
    }

    private static void admin(String sql) throws SQLException {
        try (Connection admin = postgres.database().connectAsAdmin()) {
            admin.createStatement().execute("set default_transaction_read_only = off");
            admin.createStatement().execute(sql);
        }
    }

    /** To all processes of the server, as if its machine was paused. */
    private static void signal(String name) throws IOException, InterruptedException {
        ProcessHandle server = ProcessHandle.of(postgres.pid()).orElseThrow();
        List<String> command = new ArrayList<>(List.of("kill", "-" + name));
        Stream.concat(Stream.of(server), server.descendants())
                .map(ProcessHandle::pid)
                .map(String::valueOf)
                .forEach(command::add);
        new ProcessBuilder(command).start().waitFor();
    }

    private static List<Outcome> callAll() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Outcome>> answers = new ArrayList<>();
            for (Call call : calls) {
                answers.add(threads.submit(() -> outcome(call)));
            }
            List<Outcome> outcomes = new ArrayList<>();
            for (Future<Outcome> answer : answers) {
                outcomes.add(answer.get());
            }
            return outcomes;
        }
    }

    private static Outcome outcome(Call call) {
        long began = System.nanoTime();
        String type = call.method().equals("PATCH") ? GatewayTest.MERGE_PATCH : ApiCaller.JSON;
        Answer answer = call.caller().call(call.method(), call.path(), call.body(), type);
        return new Outcome(call, answer, Duration.ofNanos(System.nanoTime() - began));
    }

    /** All routes again and again, a few at a time. A request without an answer fails the test. */
    private static final class Load implements AutoCloseable {
        private static final int THREADS = 6;
        private static final Duration PAUSE = Duration.ofMillis(50);

        private final AtomicBoolean ended = new AtomicBoolean();
        private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        private final List<Future<List<Outcome>>> results = new ArrayList<>();

        private Load() {
            for (int i = 0; i < THREADS; i++) {
                int first = i;
                results.add(threads.submit(() -> {
                    List<Outcome> outcomes = new ArrayList<>();
                    for (int next = first; !ended.get(); next += THREADS + 1) {
                        outcomes.add(outcome(calls.get(next % calls.size())));
                        Thread.sleep(PAUSE);
                    }
                    return outcomes;
                }));
            }
        }

        private List<Outcome> end() throws Exception {
            ended.set(true);
            List<Outcome> all = new ArrayList<>();
            for (Future<List<Outcome>> result : results) {
                all.addAll(result.get());
            }
            return all;
        }

        @Override
        public void close() {
            ended.set(true);
            threads.close();
        }
    }

    /** Every operation of the API document, with ids and a body that reach the database. */
    private static List<Call> calls() {
        JsonNode paths = new ApiCaller(HTTP, gateway.url(), Optional.empty())
                .get("/openapi?format=json")
                .json()
                .at("/paths");
        List<Call> all = new ArrayList<>();
        paths.properties()
                .forEach(path -> path.getValue().properties().stream()
                        .filter(operation -> path.getKey().startsWith("/v1"))
                        .filter(operation -> !path.getKey().equals("/v1/events"))
                        .forEach(operation ->
                                all.add(call(operation.getKey().toUpperCase(Locale.ROOT), path.getKey()))));
        assertThat(all).hasSizeGreaterThan(40);
        return all;
    }

    private static Call call(String method, String template) {
        boolean isOperators = template.startsWith("/v1/admin");
        // Nothing that the calls do may end what the others need.
        boolean isDestructive = method.equals("DELETE") && template.endsWith("Id}") && template.length() < 35;
        String path = template.replace("{accountId}", isDestructive ? id() : accountId)
                .replace("{tenantId}", isDestructive ? id() : tenantId)
                .replace("{partId}", "1")
                .replaceAll("\\{\\w+}", id());
        String query = path.equals("/v1/discovery") ? "?email=alice@example.com" : "";
        return new Call(isOperators ? operator : tenant, method, path + query, bodyOf(method, template));
    }

    private static String bodyOf(String method, String template) {
        return switch (method + " " + template) {
            case "POST /v1/accounts" -> GatewayTest.accountOf("away");
            case "POST /v1/accounts/check" -> GatewayTest.accountOf("away");
            case "PATCH /v1/accounts/{accountId}" -> "{\"status\":\"active\"}";
            case "POST /v1/accounts/{accountId}/mailboxes" -> "{\"name\":\"x\"}";
            case "PATCH /v1/accounts/{accountId}/mailboxes/{mailboxId}" -> "{\"name\":\"y\"}";
            case "POST /v1/accounts/{accountId}/emails/batch" -> "{\"destroy\":[\"" + id() + "\"]}";
            case "PATCH /v1/accounts/{accountId}/emails/{emailId}" -> "{\"keywords\":{\"$seen\":true}}";
            case "POST /v1/accounts/{accountId}/submissions" ->
                "{\"to\":[{\"email\":\"bob@example.com\"}],\"subject\":\"Hello\",\"text\":\"Hi\"}";
            case "POST /v1/keys", "POST /v1/admin/tenants/{tenantId}/keys" -> "{\"name\":\"x\",\"scopes\":[\"read\"]}";
            case "POST /v1/keys/{keyId}/rotate", "POST /v1/admin/tenants/{tenantId}/keys/{keyId}/rotate" -> "{}";
            case "POST /v1/admin/tenants" -> "{\"name\":\"one more\"}";
            case "PATCH /v1/admin/tenants/{tenantId}" -> "{\"name\":\"renamed\"}";
            case "PATCH /v1/admin/tenants/{tenantId}/quotas" -> "{\"accounts\":500}";
            default -> null;
        };
    }

    private static String id() {
        return UUID.randomUUID().toString();
    }
}
