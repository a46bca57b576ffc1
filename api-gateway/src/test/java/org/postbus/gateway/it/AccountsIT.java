package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.topic.AccountRecord;
import org.postbus.topic.SyncRequest;
import org.postbus.topic.Topics;

/** Accounts: the resource, the tables and the topic postbus.accounts. */
class AccountsIT extends GatewayTest {
    @Test
    void changes_and_deletion_of_an_account_are_published() {
        // Given: newAccount() has created it
        // Then
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(lastAccountRecord())
                        .hasValue(new AccountRecord(
                                tenant, account, AccountRecord.Protocol.IMAP, AccountRecord.Status.ACTIVE, 1)));
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(stored.value(
                                "select published_revision from account where account_id = ?", account.value()))
                        .isEqualTo(1L));

        // When
        Answer paused = api.call("PATCH", accountPath(), "{\"status\":\"paused\"}", MERGE_PATCH);

        // Then
        assertThat(paused.status()).isEqualTo(200);
        assertThat(paused.json().at("/sync/state").asText()).isEqualTo("paused");
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(lastAccountRecord())
                        .hasValue(new AccountRecord(
                                tenant, account, AccountRecord.Protocol.IMAP, AccountRecord.Status.PAUSED, 2)));

        // When
        stored.email(tenant, account, inbox, NOON, "gone");
        assertThat(api.call("DELETE", accountPath(), null).status()).isEqualTo(204);

        // Then
        assertProblem(api.get(accountPath()), 404, "deleted");
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(lastAccountRecord()).isEmpty());
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(stored.value("select count(*) from account_tombstone"))
                        .isEqualTo(0L));
        for (String table :
                List.of("account", "account_sync", "credential", "mailbox", "email", "email_body", "change_log")) {
            assertThat(stored.value("select count(*) from " + table + " where account_id = ?", account.value()))
                    .as(table)
                    .isEqualTo(0L);
        }
    }

    @Test
    void a_sync_request_is_published_for_its_account() {
        // When
        Answer answer = api.call("POST", accountPath() + "/sync", null);

        // Then: the broker has acknowledged it before the response
        assertThat(answer.status()).isEqualTo(202);
        assertThat(TopicRecords.all(kafka, Topics.SYNC_REQUESTS)).anySatisfy(record -> {
            assertThat(record.key()).isEqualTo(account.toString());
            assertThat(EventCodec.decode(record.value(), SyncRequest.class))
                    .isEqualTo(new SyncRequest(tenant, account));
        });
    }

    @Test
    void deleting_an_account_waits_for_a_running_batch_without_a_deadlock() throws Exception {
        // Given
        try (StoredMail writer = StoredMail.in(stored.database())) {
            writer.connection().setAutoCommit(false);
            writer.value("select applied_seq from account_sync where account_id = ? for update", account.value());

            // When
            CompletableFuture<Answer> deletion =
                    CompletableFuture.supplyAsync(() -> api.call("DELETE", accountPath(), null));
            Awaitility.await()
                    .atMost(SOON)
                    .until(() -> (Long) stored.value("select count(*) from pg_locks where not granted") > 0);
            writer.email(tenant, account, inbox, NOON, "arrives meanwhile");
            writer.connection().commit();

            // Then
            assertThat(deletion.get(20, TimeUnit.SECONDS).status()).isEqualTo(204);
        }
        assertThat(stored.value("select count(*) from email_mailbox where account_id = ?", account.value()))
                .isEqualTo(0L);
    }

    @Test
    void an_account_is_shown_without_its_password() {
        // When
        Answer one = api.get(accountPath());
        Answer all = api.get("/v1/accounts?limit=500");

        // Then
        assertThat(one.json().at("/imap/host").asText()).isEqualTo("127.0.0.1");
        assertThat(one.json().at("/imap/tls").asText()).isEqualTo("none");
        assertThat(one.json().at("/username").asText()).startsWith("alice-");
        assertThat(one.json().at("/sync/state").asText()).isEqualTo("initial");
        assertThat(all.json().get("list")).contains(one.json());
        assertThat(one.response().body() + all.response().body()).doesNotContain("s3cret");
        assertThat(new String((byte[])
                        stored.value("select ciphertext from credential where account_id = ?", account.value())))
                .doesNotContain("s3cret");
    }

    @Test
    void accounts_are_listed_page_by_page() {
        // Given
        createAccount(api);
        createAccount(api);

        // When
        List<String> seen = new ArrayList<>();
        String next = "";
        do {
            JsonNode page = api.get("/v1/accounts?limit=2" + next).json();
            page.get("list").forEach(one -> seen.add(one.get("id").asText()));
            next = page.has("next") ? "&cursor=" + page.get("next").asText() : null;
        } while (next != null);

        // Then
        assertThat(seen).doesNotHaveDuplicates().contains(account.toString()).isSorted();
    }

    @Test
    void an_invalid_account_is_refused_with_pointers() {
        // When
        Answer answer = api.call("POST", "/v1/accounts", "{\"protocol\":\"imap\",\"email\":\"alice\"}");

        // Then
        assertProblem(answer, 422, "POST /accounts");
        assertThat(pointers(answer)).containsExactly("#/email", "#/password", "#/imap");
    }

    @Test
    void an_access_token_replaces_the_password() {
        // When
        Answer patched = api.call("PATCH", accountPath(), "{\"accessToken\":\"t0ken\"}", MERGE_PATCH);

        // Then
        assertThat(patched.status()).isEqualTo(200);
        assertThat(patched.response().body()).doesNotContain("t0ken");
        assertThat(stored.value("select string_agg(kind, ' ') from credential where account_id = ?", account.value()))
                .isEqualTo("access-token");
    }

    @Test
    void a_new_password_and_a_new_server_take_effect_together() {
        // Given
        byte[] before =
                (byte[]) stored.value("select ciphertext from credential where account_id = ?", account.value());

        // When
        Answer answer =
                api.call("PATCH", accountPath(), "{\"password\":\"n3w\",\"imap\":{\"port\":1143}}", MERGE_PATCH);

        // Then
        assertThat(answer.json().at("/imap/port").asInt()).isEqualTo(1143);
        assertThat(answer.json().at("/imap/host").asText()).isEqualTo("127.0.0.1");
        assertThat(stored.value("select ciphertext from credential where account_id = ?", account.value()))
                .isNotEqualTo(before);
        assertProblem(api.call("PATCH", accountPath(), "{\"protocol\":\"jmap\"}", MERGE_PATCH), 422, "protocol");
    }

    @Test
    void concurrent_changes_of_an_account_succeed_or_conflict() {
        // When
        List<CompletableFuture<Answer>> changes = IntStream.range(0, 8)
                .mapToObj(i -> CompletableFuture.supplyAsync(() ->
                        api.call("PATCH", accountPath(), "{\"imap\":{\"port\":%d}}".formatted(2000 + i), MERGE_PATCH)))
                .toList();
        List<Integer> statuses =
                changes.stream().map(change -> change.join().status()).toList();

        // Then
        assertThat(statuses).contains(200).isSubsetOf(200, 409);
        assertThat(stored.value("select revision from account where account_id = ?", account.value()))
                .isEqualTo(
                        1L + statuses.stream().filter(status -> status == 200).count());
    }

    @Test
    void an_account_is_checked_without_being_stored() {
        // Given
        int closed = 1;
        Object before = stored.value("select count(*) from account");

        // When
        Answer answer = api.call("POST", "/v1/accounts/check", accountAt("127.0.0.1", closed));

        // Then
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().get("ok").asBoolean()).isFalse();
        assertThat(answer.json().get("failure").asText()).isEqualTo("unreachable");
        assertThat(answer.json().get("reason").asText()).isNotBlank();
        assertThat(stored.value("select count(*) from account")).isEqualTo(before);
    }

    @Test
    void discovery_finds_nothing_for_a_domain_without_servers() {
        // When
        Answer found = api.call("GET", "/v1/discovery?email=alice@no-such-domain.invalid", null);

        // Then
        assertThat(found.status()).isEqualTo(200);
        assertThat(found.json().path("jmap").isObject()).isFalse();
        assertProblem(api.call("GET", "/v1/discovery?email=nobody", null), 422, "email");
        Answer account = api.call(
                "POST",
                "/v1/accounts",
                "{\"protocol\":\"jmap\",\"email\":\"alice@no-such-domain.invalid\",\"password\":\"p\"}");
        assertProblem(account, 422, "jmap");
        assertThat(pointers(account)).containsExactly("#/jmap/sessionUrl");
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1", "169.254.169.254", "10.0.0.1", "localhost", "2130706433", "no-such-host.invalid"})
    void a_private_server_is_refused_unless_the_operator_allows_it(String host) {
        // Given
        ApiCaller careful = caller(strict, ourKey);

        // When, Then
        for (String path : List.of("/v1/accounts", "/v1/accounts/check")) {
            Answer answer = careful.call("POST", path, accountAt(host, 993, "tls"));
            assertProblem(answer, 422, path);
            assertThat(pointers(answer)).containsExactly("#/imap/host");
        }
        String patch = "{\"imap\":{\"host\":\"" + host + "\",\"port\":993,\"tls\":\"tls\"}}";
        Answer patched = careful.call("PATCH", accountPath(), patch, MERGE_PATCH);
        assertProblem(patched, 422, "PATCH");
    }

    @Test
    void plain_text_and_an_unusual_port_are_refused_unless_the_operator_allows_them() {
        // Given
        ApiCaller careful = caller(strict, ourKey);
        String jmap = """
                {"protocol": "jmap", "email": "alice@example.com", "password": "s3cret",
                 "jmap": {"sessionUrl": "http://8.8.8.8:443/session"}}""";

        // When, Then
        for (String path : List.of("/v1/accounts", "/v1/accounts/check")) {
            Answer imap = careful.call("POST", path, accountAt("8.8.8.8", 8143));
            assertProblem(imap, 422, path);
            assertThat(pointers(imap)).containsExactlyInAnyOrder("#/imap/port", "#/imap/tls");
            Answer plainJmap = careful.call("POST", path, jmap);
            assertProblem(plainJmap, 422, path);
            assertThat(pointers(plainJmap)).containsExactly("#/jmap/sessionUrl");
        }
    }

    @Test
    void an_account_whose_server_is_not_allowed_any_more_can_be_paused() {
        // When
        Answer answer = caller(strict, ourKey).call("PATCH", accountPath(), "{\"status\":\"paused\"}", MERGE_PATCH);

        // Then
        assertThat(answer.status()).isEqualTo(200);
    }

    @Test
    void a_public_server_is_accepted_where_private_ones_are_refused() {
        // When: an address, so that no DNS is needed; nothing connects to it.
        Answer answer = caller(strict, ourKey)
                .call(
                        "PATCH",
                        accountPath(),
                        "{\"status\":\"paused\",\"imap\":{\"host\":\"8.8.8.8\",\"port\":993,\"tls\":\"tls\"}}",
                        MERGE_PATCH);

        // Then
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().at("/imap/host").asText()).isEqualTo("8.8.8.8");
    }

    @Test
    void quarantined_messages_are_listed() {
        // Given
        stored.update("""
                insert into quarantined_message (account_id, tenant_id, mailbox_id, uidvalidity, uid, reason)
                values (?, ?, ?, 7, 42, 'NO [SERVERBUG] unreadable')""", account.value(), tenant.value(), inbox.value());

        // When
        JsonNode json = api.get(accountPath() + "/quarantine").json();

        // Then
        assertThat(json.at("/list/0/mailboxId").asText()).isEqualTo(inbox.toString());
        assertThat(json.at("/list/0/uidValidity").asLong()).isEqualTo(7);
        assertThat(json.at("/list/0/uid").asLong()).isEqualTo(42);
        assertThat(json.at("/list/0/reason").asText()).isEqualTo("NO [SERVERBUG] unreadable");
        assertThat(json.at("/list/0/state").asText()).isEqualTo("quarantined");
        assertThat(json.at("/list/0").has("jmapId")).isFalse();
    }

    @Test
    void messages_that_could_not_be_read_are_counted_and_retried_on_request() {
        // Given
        stored.update("""
                insert into quarantined_message (account_id, tenant_id, mailbox_id, uidvalidity, uid, reason, next_try_at)
                values (?, ?, ?, 7, 43, 'NO', now() + interval '1 day')""", account.value(), tenant.value(), inbox.value());
        stored.update("""
                insert into quarantined_email (account_id, tenant_id, jmap_id, reason, state, refusals, retries,
                                               first_failed_at, last_failed_at, next_try_at)
                values (?, ?, 'e1', 'Email/get: serverFail', 'deferred', 2, 0, now(), now(), now() + interval '1 day')""", account.value(), tenant.value());

        // When
        JsonNode sync = api.get(accountPath()).json().path("sync");
        JsonNode list = api.get(accountPath() + "/quarantine").json().path("list");

        // Then
        assertThat(sync.path("deferred").asInt()).isEqualTo(1);
        assertThat(sync.path("quarantined").asInt()).isEqualTo(1);
        assertThat(list).hasSize(2);
        JsonNode email = list.get(0);
        assertThat(email.path("jmapId").asText()).isEqualTo("e1");
        assertThat(email.path("refusals").asInt()).isEqualTo(2);
        assertThat(email.has("mailboxId")).isFalse();
        for (JsonNode one : list) {
            assertThat(api.call(
                                    "POST",
                                    accountPath() + "/quarantine/"
                                            + one.path("id").asText() + "/retry",
                                    null)
                            .status())
                    .isEqualTo(202);
        }
        assertThat(api.get(accountPath() + "/quarantine").json().path("list"))
                .allMatch(one -> Instant.parse(one.path("nextTryAt").asText()).isBefore(Instant.now()));
        assertThat(api.call("POST", accountPath() + "/quarantine/" + account + "/retry", null)
                        .status())
                .isEqualTo(404);
    }

    @Test
    void the_sync_log_is_listed_newest_first() {
        // Given
        for (int i = 1; i <= 3; i++) {
            stored.update("""
                    insert into sync_log (account_id, tenant_id, started_at, finished_at, created)
                    values (?, ?, now(), now(), ?)""", account.value(), tenant.value(), i);
        }

        // When
        JsonNode first = api.get(accountPath() + "/sync-log?limit=2").json();
        JsonNode second = api.get(accountPath() + "/sync-log?limit=2&cursor="
                        + first.get("next").asText())
                .json();

        // Then
        assertThat(first.at("/list").findValuesAsText("created")).containsExactly("3", "2");
        assertThat(second.at("/list").findValuesAsText("created")).containsExactly("1");
        assertThat(second.has("next")).isFalse();
    }

    private Optional<AccountRecord> lastAccountRecord() {
        List<ConsumerRecord<String, byte[]>> records = TopicRecords.all(kafka, Topics.ACCOUNTS).stream()
                .filter(record -> record.key().equals(account.toString()))
                .toList();
        assertThat(records).isNotEmpty();
        return Optional.ofNullable(records.getLast().value())
                .map(value -> EventCodec.decode(value, AccountRecord.class));
    }
}
