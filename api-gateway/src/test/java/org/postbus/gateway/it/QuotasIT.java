package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;

/** Each quota of a tenant is reached, also by requests at the same time. Another tenant has all of its own. */
class QuotasIT extends GatewayTest {
    private static final int AT_ONCE = 50;

    private ApiKey key;
    private ApiCaller limited;

    @BeforeEach
    void newTenant() throws Exception {
        key = ApiKey.issue(stored.database(), "limited " + id());
        limited = caller(gateway, key);
    }

    @Test
    void accounts() {
        // Given
        limit("accounts", 3);
        createAccount(limited);
        AccountId second = createAccount(limited);

        // When
        List<Integer> statuses =
                atOnce(() -> callAsync(limited, "POST", "/v1/accounts", accountOf("a-" + id()), Optional.empty()));

        // Then
        assertOne(statuses, 201, 403);
        Answer refused = limited.call("POST", "/v1/accounts", accountOf("a-" + id()));
        assertExceeded(refused, 403, "accounts", 3);
        assertThat(refused.json().at("/quota/used").asLong()).isEqualTo(3);
        createAccount(caller(gateway, theirKey));
        limited.call("DELETE", "/v1/accounts/" + second, null);
        createAccount(limited);
    }

    @Test
    void queued_mutations() {
        // Given
        limit("queuedMutations", 6);
        AccountId own = createAccount(limited);
        MailboxId mailbox = stored.mailbox(key.tenant(), own, "INBOX");
        List<EmailId> emails = IntStream.range(0, AT_ONCE)
                .mapToObj(i -> stored.email(key.tenant(), own, mailbox, NOON, "mail " + i))
                .toList();
        String path = "/v1/accounts/" + own;
        for (int i = 0; i < 4; i++) {
            assertThat(patchOf(own, emails.get(i)).join()).isEqualTo(202);
        }
        String mailboxMutation = limited.call("POST", path + "/mailboxes", "{\"name\": \"New\"}")
                .json()
                .get("mutationId")
                .asText();

        // When
        List<CompletableFuture<Integer>> patches =
                emails.stream().map(email -> patchOf(own, email)).toList();

        // Then
        assertOne(patches.stream().map(CompletableFuture::join).toList(), 202, 403);
        assertExceeded(limited.call("POST", path + "/mailboxes", "{\"name\": \"Newer\"}"), 403, "queuedMutations", 6);
        assertExceeded(limited.call("DELETE", path + "/emails/" + emails.getFirst(), null), 403, "queuedMutations", 6);
        assertThat(limited.call("DELETE", path + "/mutations/" + mailboxMutation, null)
                        .status())
                .isEqualTo(204);
        assertExceeded(
                limited.call(
                        "POST",
                        path + "/emails/batch",
                        "{\"destroy\": [\"" + emails.get(0) + "\", \"" + emails.get(1) + "\"]}"),
                403,
                "queuedMutations",
                6);
        assertThat(stored.value("select count(*) from pending_changes where account_id = ?", own.value()))
                .isEqualTo(5L);
        assertThat(patched(stored.email(tenant, account, inbox, NOON, "ours"), "{\"keywords\":{\"$seen\":true}}"))
                .isNotBlank();
    }

    @Test
    void queued_submissions() {
        // Given
        limit("queuedSubmissions", 3);
        AccountId own = createSender(limited);
        String path = "/v1/accounts/" + own + "/submissions";
        String first = limited.call("POST", path, message("a"))
                .json()
                .get("submissionId")
                .asText();
        assertThat(limited.call("POST", path, message("b")).status()).isEqualTo(202);

        // When
        List<Integer> statuses = atOnce(() -> callAsync(limited, "POST", path, message("c"), Optional.empty()));

        // Then: more than 32 of a tenant do not wait for their turn
        assertThat(statuses).isSubsetOf(202, 403, 429);
        assertThat(statuses.stream().filter(status -> status == 202)).hasSize(1);
        assertExceeded(limited.call("POST", path, message("d")), 403, "queuedSubmissions", 3);
        assertThat(limited.call("DELETE", path + "/" + first, null).status()).isEqualTo(204);
        assertThat(limited.call("POST", path, message("e")).status()).isEqualTo(202);
    }

    @Test
    void bytes_of_queued_submissions() {
        // Given
        limit("queuedSubmissionBytes", 20_000);
        AccountId own = createSender(limited);
        String path = "/v1/accounts/" + own + "/submissions";

        // When, Then
        assertThat(limited.call("POST", path, message("x".repeat(12_000))).status())
                .isEqualTo(202);
        assertExceeded(limited.call("POST", path, message("x".repeat(12_000))), 403, "queuedSubmissionBytes", 20_000);
        assertThat(limited.call("POST", path, message("x".repeat(2_000))).status())
                .isEqualTo(202);
    }

    @Test
    void idempotency_keys() {
        // Given
        limit("idempotencyKeys", 3);
        AccountId own = createAccount(limited);
        String path = "/v1/accounts/" + own + "/mailboxes";
        Answer first = keyed(path, "first");
        assertThat(first.status()).isEqualTo(202);
        assertThat(keyed(path, "second").status()).isEqualTo(202);

        // When
        List<CompletableFuture<Integer>> calls = IntStream.range(0, AT_ONCE)
                .mapToObj(i -> callAsync(
                        limited, "POST", path, "{\"name\": \"at once " + i + "\"}", Optional.of("at-once-" + i)))
                .toList();

        // Then
        assertOne(calls.stream().map(CompletableFuture::join).toList(), 202, 403);
        assertExceeded(keyed(path, "fourth"), 403, "idempotencyKeys", 3);
        assertThat(keyed(path, "first").json()).isEqualTo(first.json());
        assertThat(limited.call("POST", path, "{\"name\": \"without a key\"}").status())
                .isEqualTo(202);
        assertThat(stored.value("select count(*) from pending_changes where account_id = ?", own.value()))
                .isEqualTo(4L);
    }

    @Test
    void requests_in_time() throws Exception {
        // Given
        limit("requestsPerSecond", 5);
        limit("requestsBurst", 10);

        // When
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            answers.add(limited.get("/v1/accounts"));
        }

        // Then
        assertThat(answers.subList(0, 10)).allMatch(answer -> answer.status() == 200);
        Answer refused = answers.stream()
                .filter(answer -> answer.status() == 429)
                .findFirst()
                .orElseThrow();
        assertExceeded(refused, 429, "requestsPerSecond", 5);
        assertThat(api.get("/v1/accounts").status()).isEqualTo(200);
        assertThat(retryAfter(refused)).isBetween(1L, 2L);
        Thread.sleep(1_000 * retryAfter(refused));
        assertThat(limited.get("/v1/accounts").status()).isEqualTo(200);
    }

    @Test
    void downloads_count_as_requests() {
        // Given
        limit("requestsPerSecond", 1);
        limit("requestsBurst", 2);
        String path = "/v1/accounts/" + id() + "/emails/" + id() + "/raw";

        // Then
        assertThat(limited.get(path).status()).isEqualTo(404);
        assertThat(limited.get(path).status()).isEqualTo(404);
        assertThat(IntStream.range(0, 5).map(i -> limited.get(path).status())).contains(429);
    }

    @Test
    void sync_requests_of_an_account() {
        // Given
        limit("syncsPerAccountAndMinute", 2);
        AccountId own = createAccount(limited);
        AccountId other = createAccount(limited);

        // When, Then
        assertThat(sync(own).status()).isEqualTo(202);
        assertThat(sync(own).status()).isEqualTo(202);
        Answer refused = sync(own);
        assertExceeded(refused, 429, "syncsPerAccountAndMinute", 2);
        assertThat(retryAfter(refused)).isBetween(20L, 31L);
        assertThat(sync(other).status()).isEqualTo(202);
    }

    @Test
    void checks_in_time() {
        // Given
        limit("checksPerMinute", 3);

        // When, Then
        for (int i = 0; i < 3; i++) {
            assertThat(limited.call("POST", "/v1/accounts/check", "{}").status())
                    .isEqualTo(422);
        }
        assertExceeded(limited.call("POST", "/v1/accounts/check", "{}"), 429, "checksPerMinute", 3);
        assertExceeded(limited.get("/v1/discovery?email=a@example.invalid"), 429, "checksPerMinute", 3);
        assertExceeded(
                limited.call(
                        "POST",
                        "/v1/accounts",
                        "{\"protocol\": \"jmap\", \"email\": \"a@example.invalid\", \"password\": \"x\"}"),
                429,
                "checksPerMinute",
                3);
        assertThat(api.call("POST", "/v1/accounts/check", "{}").status()).isEqualTo(422);
    }

    @Test
    void checks_at_once() throws IOException {
        // Given
        limit("checksAtOnce", 2);
        try (ServerSocket silent = new ServerSocket(0, AT_ONCE, InetAddress.getLoopbackAddress())) {
            String body = accountAt("127.0.0.1", silent.getLocalPort());

            // When
            List<Integer> statuses = IntStream.range(0, 6)
                    .mapToObj(i -> callAsync(limited, "POST", "/v1/accounts/check", body, Optional.empty()))
                    .toList()
                    .stream()
                    .map(CompletableFuture::join)
                    .toList();

            // Then
            assertThat(statuses.stream().filter(status -> status == 200)).hasSize(2);
            assertThat(statuses.stream().filter(status -> status == 429)).hasSize(4);
            assertThat(used(limited, "checksAtOnce")).isZero();
            assertThat(limited.call("POST", "/v1/accounts/check", "{}").status())
                    .isEqualTo(422);
        }
    }

    @Test
    void downloads_at_once() {
        // Given
        limit("downloadsAtOnce", 0);
        AccountId own = createAccount(limited);
        EmailId email = stored.bodiless(key.tenant(), own, 10, Optional.empty(), Optional.empty());
        stored.link(key.tenant(), own, email, "INBOX", 1, 1);

        // When
        Answer raw = limited.get("/v1/accounts/" + own + "/emails/" + email + "/raw");

        // Then
        assertProblem(raw, 429, "raw");
        assertThat(raw.json().get("detail").asText()).contains("downloadsAtOnce");
        assertThat(retryAfter(raw)).isPositive();
    }

    @Test
    void stored_bytes() {
        // Given
        limit("storedBytes", 1_000);
        AccountId own = createSender(limited);
        MailboxId mailbox = stored.mailbox(key.tenant(), own, "INBOX");
        for (int i = 0; i < 20; i++) {
            stored.email(key.tenant(), own, mailbox, NOON, "mail " + i);
        }
        // As if the measurement at the account's creation were old.
        Awaitility.await()
                .atMost(SOON)
                .until(() -> stored.update(
                                "update tenant_storage set measured_at = now() - interval '1 day' where tenant_id = ?",
                                key.tenant().value())
                        == 1);

        // When
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(used(limited, "storedBytes")).isGreaterThan(1_000));

        // Then
        assertExceeded(limited.call("POST", "/v1/accounts", accountOf("a-" + id())), 403, "storedBytes", 1_000);
        assertExceeded(
                limited.call("POST", "/v1/accounts/" + own + "/submissions", message("x")), 403, "storedBytes", 1_000);
        assertThat(limited.get("/v1/accounts/" + own + "/emails").status()).isEqualTo(200);
        assertThat(limited.get("/v1/usage").json().has("storedBytesMeasuredAt")).isTrue();
    }

    @Test
    void usage_shows_limits_and_what_is_used() {
        // Given
        limit("accounts", 7);
        createAccount(limited);

        // When
        JsonNode accounts = usage(limited, "accounts");
        JsonNode rate = usage(limited, "requestsPerSecond");

        // Then
        assertThat(accounts.toString()).isEqualTo("{\"quota\":\"accounts\",\"limit\":7,\"own\":true,\"used\":1}");
        assertThat(rate.has("used")).isFalse();
        assertThat(rate.get("own").asBoolean()).isFalse();
        assertThat(limited.get("/v1/usage").json().get("list")).hasSize(12);
    }

    @Test
    void operators_set_limits_and_defaults() {
        // Given
        String path = "/v1/admin/tenants/" + key.tenant() + "/quotas";
        ApiCaller operator = operator();

        // When
        Answer set = operator.call("PATCH", path, "{\"accounts\": 1, \"storedBytes\": 5}", MERGE_PATCH);
        Answer reset = operator.call("PATCH", path, "{\"storedBytes\": null}", MERGE_PATCH);

        // Then
        assertThat(set.status()).as("%s", set.json()).isEqualTo(200);
        assertThat(reset.json()).isEqualTo(operator.get(path).json());
        assertThat(usage(limited, "accounts").get("limit").asLong()).isEqualTo(1);
        assertThat(usage(limited, "storedBytes").get("own").asBoolean()).isFalse();
        createAccount(limited);
        assertExceeded(limited.call("POST", "/v1/accounts", accountOf("a-" + id())), 403, "accounts", 1);
        for (String wrong :
                List.of("{\"nothing\": 1}", "{\"accounts\": -1}", "{\"accounts\": 1.5}", "{\"accounts\": \"1\"}")) {
            assertProblem(operator.call("PATCH", path, wrong, MERGE_PATCH), 422, wrong);
        }
        assertProblem(limited.call("PATCH", path, "{\"accounts\": 100}", MERGE_PATCH), 403, "own limit");
        assertProblem(
                operator.call("PATCH", "/v1/admin/tenants/" + id() + "/quotas", "{\"accounts\": 1}", MERGE_PATCH),
                404,
                "no tenant");
    }

    private void limit(String quota, long value) {
        stored.update(
                "insert into tenant_quota (tenant_id, name, value) values (?, ?, ?)",
                key.tenant().value(),
                quota,
                value);
    }

    private static AccountId createSender(ApiCaller api) {
        AccountId account = createAccount(api);
        assertThat(api.call(
                                "PATCH",
                                "/v1/accounts/" + account,
                                "{\"smtp\": {\"host\": \"127.0.0.1\", \"port\": 1025, \"tls\": \"none\"}}",
                                MERGE_PATCH)
                        .status())
                .isEqualTo(200);
        return account;
    }

    private static String message(String text) {
        return "{\"to\": [{\"email\": \"bob@example.com\"}], \"text\": \"" + text + "\"}";
    }

    private Answer keyed(String path, String name) {
        return limited.call("POST", path, "{\"name\": \"" + name + "\"}", ApiCaller.JSON, Optional.of("key-" + name));
    }

    private Answer sync(AccountId account) {
        return limited.call("POST", "/v1/accounts/" + account + "/sync", null);
    }

    private CompletableFuture<Integer> patchOf(AccountId account, EmailId email) {
        return callAsync(
                limited,
                "PATCH",
                "/v1/accounts/" + account + "/emails/" + email,
                "{\"keywords\": {\"$seen\": true}}",
                Optional.of(UUID.randomUUID().toString()));
    }

    private static List<Integer> atOnce(Supplier<CompletableFuture<Integer>> call) {
        return IntStream.range(0, AT_ONCE).mapToObj(i -> call.get()).toList().stream()
                .map(CompletableFuture::join)
                .toList();
    }

    private static void assertOne(List<Integer> statuses, int success, int refusal) {
        assertThat(statuses).containsOnly(success, refusal);
        assertThat(statuses.stream().filter(status -> status == success)).hasSize(1);
    }

    private static void assertExceeded(Answer answer, int status, String quota, long limit) {
        assertProblem(answer, status, quota);
        assertThat(answer.json().at("/quota/name").asText()).isEqualTo(quota);
        assertThat(answer.json().at("/quota/limit").asLong()).isEqualTo(limit);
        assertThat(answer.json().get("detail").asText()).contains(quota, Long.toString(limit));
        assertThat(answer.response().headers().firstValue("Retry-After").isPresent())
                .isEqualTo(status == 429);
    }

    private static long retryAfter(Answer answer) {
        return Long.parseLong(
                answer.response().headers().firstValue("Retry-After").orElseThrow());
    }

    private static JsonNode usage(ApiCaller api, String quota) {
        return StreamSupport.stream(api.get("/v1/usage").json().get("list").spliterator(), false)
                .filter(one -> one.get("quota").asText().equals(quota))
                .findFirst()
                .orElseThrow();
    }

    private static long used(ApiCaller api, String quota) {
        return usage(api, quota).get("used").asLong();
    }
}
