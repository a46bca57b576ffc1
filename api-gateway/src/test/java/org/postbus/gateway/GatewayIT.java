package org.postbus.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.change.ChangeEvent;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.devstack.postgres.Database;
import org.postbus.gateway.ApiCaller.Answer;
import org.postbus.gateway.EventReader.Event;
import org.postbus.mail.jmap.fake.FakeJmapServer;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;
import org.postbus.topic.MutationNotification;
import org.postbus.topic.Topics;

/**
 * The built service, from outside: every endpoint over HTTP, with a real database and a real broker. A second gateway refuses
 * private hosts, and is where a stream goes on that began on the first.
 */
class GatewayIT {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final String MERGE_PATCH = "application/merge-patch+json";

    private static HttpClient http;
    private static Kafka kafka;
    private static StoredMail stored;
    private static GatewayProcess gateway;
    private static GatewayProcess strict;
    private static ApiKey ourKey;
    private static ApiKey theirKey;
    private static JsonNode openApi;

    private ApiCaller api;
    private TenantId tenant;
    private AccountId account;
    private MailboxId inbox;
    private MailboxId archive;

    @BeforeAll
    static void start() throws IOException, SQLException {
        http = HttpClient.newHttpClient();
        Database database = DevStack.postgres().freshDatabase();
        kafka = DevStack.kafka(4);
        stored = StoredMail.in(database);
        ourKey = ApiKey.issue(database, "ours");
        theirKey = ApiKey.issue(database, "theirs");
        gateway = GatewayProcess.start("gateway", database, kafka, Map.of("POSTBUS_PRIVATE_HOSTS", "allowed"));
        strict = GatewayProcess.start("gateway-strict", database, kafka, Map.of());
        gateway.awaitReady(http);
        strict.awaitReady(http);
        openApi = new ApiCaller(http, gateway.url(), Optional.empty())
                .get("/openapi?format=json")
                .json();
    }

    @AfterAll
    static void stop() throws SQLException {
        strict.close();
        gateway.close();
        http.close();
        stored.close();
    }

    @BeforeEach
    void newAccount() {
        api = caller(gateway, ourKey);
        tenant = ourKey.tenant();
        account = createAccount(api);
        inbox = stored.mailbox(tenant, account, "INBOX");
        archive = stored.mailbox(tenant, account, "Archive");
    }

    // Who may see what.

    @Test
    void nothing_is_to_be_seen_without_a_key() {
        for (Operation operation : operations()) {
            for (Optional<String> key :
                    List.of(Optional.<String>empty(), Optional.of("pb_unknown"), Optional.of("x"))) {
                // When
                Answer answer = operation.call(new ApiCaller(http, gateway.url(), key), account, id(), id());

                // Then
                assertProblem(answer, 401, operation);
                assertThat(answer.response().headers().firstValue("WWW-Authenticate"))
                        .isPresent();
            }
        }
    }

    @Test
    void what_belongs_to_another_tenant_is_not_there() {
        // Given
        ApiCaller theirs = caller(gateway, theirKey);
        EmailId email = stored.email(tenant, account, inbox, NOON, "ours");
        UUID mutation = UUID.fromString(patched(email, "{\"keywords\":{\"$seen\":true}}"));
        Object before = stored.value(
                "select row(email, settings, status, revision, wake)::text from account where account_id = ?",
                account.value());
        List<Operation> operations =
                operations().stream().filter(Operation::namesAnAccount).toList();

        // When, Then
        assertThat(operations).hasSizeGreaterThan(10);
        for (Operation operation : operations) {
            assertProblem(operation.call(theirs, account, email.value(), mutation), 404, operation);
        }
        assertThat(theirs.get("/v1/accounts").json().toString()).doesNotContain(account.toString());
        assertProblem(theirs.get("/v1/events?accountId=" + account), 404, "events");
        assertThat(stored.value(
                        "select row(email, settings, status, revision, wake)::text from account where account_id = ?",
                        account.value()))
                .isEqualTo(before);
        assertThat(api.get("/v1/accounts/" + account + "/emails/" + email).status())
                .isEqualTo(200);
    }

    @Test
    void another_tenants_ids_below_ones_own_account_are_not_there() {
        // Given
        ApiCaller theirs = caller(gateway, theirKey);
        AccountId theirAccount = createAccount(theirs);
        EmailId email = stored.email(tenant, account, inbox, NOON, "ours");
        UUID mutation = UUID.fromString(patched(email, "{\"keywords\":{\"$seen\":true}}"));
        List<Operation> operations = operations().stream()
                .filter(operation -> operation.path().contains("{emailId}")
                        || operation.path().contains("{mutationId}"))
                .toList();

        // When, Then
        assertThat(operations).hasSizeGreaterThan(4);
        for (Operation operation : operations) {
            assertProblem(operation.call(theirs, theirAccount, email.value(), mutation), 404, operation);
        }
        assertProblem(theirs.get("/v1/accounts/" + theirAccount + "/emails?mailboxId=" + inbox), 404, "mailboxId");
    }

    @Test
    void ids_that_are_none_are_not_there() {
        for (Operation operation : operations()) {
            if (operation.namesAnAccount()) {
                assertProblem(operation.at(api, operation.path().replaceAll("\\{\\w+}", "not-an-id")), 404, operation);
            }
        }
    }

    @Test
    void a_revoked_key_does_not_work_any_more() {
        // Given
        ApiKey revoked = ApiKey.issue(stored.database(), "revoked");
        stored.update(
                "update api_key set revoked_at = now() where tenant_id = ?",
                revoked.tenant().value());

        // Then
        assertProblem(caller(gateway, revoked).get("/v1/accounts"), 401, "revoked");
    }

    @Test
    void private_mail_server_is_not_asked_for_content() {
        // Given
        EmailId email = stored.bodiless(tenant, account, 10, Optional.empty(), Optional.empty());
        stored.link(tenant, account, email, "INBOX", 1, 1);

        // When
        Answer raw = caller(strict, ourKey).get(emailPath(email) + "/raw");
        Answer whole = caller(strict, ourKey).get(emailPath(email));

        // Then
        assertProblem(raw, 502, "raw");
        assertThat(whole.json().at("/bodyMissing/detail").asText()).contains("public Internet");
    }

    // Problems.

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
    void the_api_describes_itself() {
        assertThat(openApi.at("/paths").size()).isGreaterThan(10);
        assertThat(openApi.at("/paths").has("/v1/events")).isTrue();
        assertThat(openApi.at("/components/securitySchemes/apiKey/scheme").asText())
                .isEqualTo("bearer");
        for (Operation operation : operations()) {
            assertThat(operation.summary()).as(operation.toString()).isNotBlank();
        }
    }

    // Accounts.

    @Test
    void an_account_lives_on_the_topic_as_long_as_in_the_table() {
        // When it was created in newAccount()
        // Then
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(lastAccountRecord())
                        .hasValue(new AccountRecord(
                                tenant, account, AccountRecord.Protocol.IMAP, AccountRecord.Status.ACTIVE, 1, 0)));
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(stored.value(
                                "select published_revision from account where account_id = ?", account.value()))
                        .isEqualTo(1L));

        // When
        Answer paused = api.call("PATCH", accountPath(), "{\"status\":\"paused\"}", MERGE_PATCH);
        api.call("POST", accountPath() + "/sync", null);

        // Then
        assertThat(paused.status()).isEqualTo(200);
        assertThat(paused.json().at("/sync/state").asText()).isEqualTo("paused");
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(lastAccountRecord())
                        .hasValue(new AccountRecord(
                                tenant, account, AccountRecord.Protocol.IMAP, AccountRecord.Status.PAUSED, 2, 1)));

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
    void a_batch_that_is_being_applied_and_the_deletion_of_its_account_do_not_wait_for_each_other() throws Exception {
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
    void an_account_is_shown_as_it_was_asked_for_but_never_its_password() {
        // When
        Answer one = api.get(accountPath());
        Answer all = api.get("/v1/accounts?limit=500");

        // Then
        assertThat(one.json().at("/imap/host").asText()).isEqualTo("127.0.0.1");
        assertThat(one.json().at("/imap/tls").asText()).isEqualTo("none");
        assertThat(one.json().at("/username").asText()).isEqualTo("alice@example.com");
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
    void an_account_that_is_not_valid_is_refused_with_pointers() {
        // When
        Answer answer = api.call("POST", "/v1/accounts", "{\"protocol\":\"imap\",\"email\":\"alice\"}");

        // Then
        assertProblem(answer, 422, "POST /accounts");
        assertThat(pointers(answer)).containsExactly("#/email", "#/password", "#/imap");
    }

    @Test
    void an_access_token_takes_the_place_of_the_password() {
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
    void an_account_is_tried_out_without_being_stored() {
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
    void a_domain_without_servers_is_discovered_to_have_none() {
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
    void a_server_that_is_not_public_is_refused_unless_the_operator_allows_it(String host) {
        // Given
        ApiCaller careful = caller(strict, ourKey);

        // When, Then
        for (String path : List.of("/v1/accounts", "/v1/accounts/check")) {
            Answer answer = careful.call("POST", path, accountAt(host, 143));
            assertProblem(answer, 422, path);
            assertThat(pointers(answer)).containsExactly("#/imap/host");
        }
        Answer patched = careful.call("PATCH", accountPath(), "{\"imap\":{\"host\":\"" + host + "\"}}", MERGE_PATCH);
        assertProblem(patched, 422, "PATCH");
    }

    @Test
    void a_server_that_is_public_is_accepted_where_private_ones_are_refused() {
        // When: an address, so that no name service is needed; nothing connects to it.
        Answer answer = caller(strict, ourKey)
                .call("PATCH", accountPath(), "{\"status\":\"paused\",\"imap\":{\"host\":\"8.8.8.8\"}}", MERGE_PATCH);

        // Then
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().at("/imap/host").asText()).isEqualTo("8.8.8.8");
    }

    @Test
    void messages_that_could_not_be_read_are_listed() {
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
    }

    @Test
    void past_cycles_are_listed_newest_first() {
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

    // Mail.

    @Test
    void mailboxes_have_the_servers_counts() {
        // When
        JsonNode list = api.get(accountPath() + "/mailboxes").json().get("list");

        // Then
        assertThat(list.findValuesAsText("path")).containsExactly("Archive", "INBOX");
        assertThat(list.get(1).get("id").asText()).isEqualTo(inbox.toString());
        assertThat(list.get(1).get("totalEmails").asInt()).isEqualTo(7);
        assertThat(list.get(1).get("unreadEmails").asInt()).isEqualTo(3);
    }

    @Test
    void emails_are_listed_newest_first_and_each_once_however_the_pages_are_cut() {
        // Given: several of the same second
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            Instant receivedAt = NOON.plusSeconds(random.nextInt(10));
            MailboxId mailbox = random.nextInt(4) == 0 ? archive : inbox;
            ids.add(receivedAt + " " + stored.email(tenant, account, mailbox, receivedAt, "m" + i) + " " + mailbox);
        }
        ids.sort(Collections.reverseOrder());

        for (Optional<MailboxId> mailbox :
                List.of(Optional.<MailboxId>empty(), Optional.of(inbox), Optional.of(archive))) {
            for (int limit : List.of(3, 7, 500)) {
                // When
                List<String> listed = listed(mailbox, limit);

                // Then
                assertThat(listed)
                        .as("seed %d, %s, limit %d", seed, mailbox, limit)
                        .isEqualTo(ids.stream()
                                .filter(line -> mailbox.isEmpty()
                                        || line.endsWith(mailbox.get().toString()))
                                .map(line -> line.split(" ")[1])
                                .toList());
            }
        }
    }

    @Test
    void an_email_is_shown_with_its_bodies() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "hello");

        // When
        JsonNode json = api.get(emailPath(email)).json();
        JsonNode listed = api.get(accountPath() + "/emails").json().at("/list/0");

        // Then
        assertThat(json.get("id").asText()).isEqualTo(email.toString());
        assertThat(json.get("subject").asText()).isEqualTo("hello");
        assertThat(json.at("/from/0/email").asText()).isEqualTo("alice@example.com");
        assertThat(json.get("receivedAt").asText()).isEqualTo("2026-03-01T12:00:00Z");
        assertThat(json.get("mailboxIds").toString()).isEqualTo("{\"" + inbox + "\":true}");
        assertThat(json.get("keywords").toString()).isEqualTo("{\"$flagged\":true}");
        assertThat(json.at("/bodyValues/1/value").asText()).isEqualTo("text of hello");
        assertThat(json.at("/textBody/0/partId").asText()).isEqualTo("1");
        assertThat(json.at("/htmlBody/0/type").asText()).isEqualTo("text/html");
        assertThat(json.at("/attachments/0/type").asText()).isEqualTo("application/pdf");
        assertThat(listed.has("bodyValues")).isFalse();
        assertThat(listed.get("preview").asText()).isEqualTo("preview");
    }

    @Test
    void an_email_whose_body_is_not_kept_is_shown_without() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "huge");
        stored.update("delete from email_body where email_id = ?", email.value());

        // When
        Answer answer = api.get(emailPath(email));

        // Then
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().has("bodyValues")).isFalse();
    }

    @Test
    void an_email_that_has_left_its_mailbox_is_shown_there_until_it_turns_up_elsewhere_or_is_destroyed() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "unlinked");
        stored.update("delete from email_mailbox where email_id = ?", email.value());
        stored.update(
                "update email set unlinked_pass = 1, unlinked_from = array[cast(? as uuid)] where email_id = ?",
                inbox.value(),
                email.value());

        // Then
        assertThat(api.get(emailPath(email)).status()).isEqualTo(200);
        assertThat(listed(Optional.empty(), 50)).containsExactly(email.toString());
        assertThat(listed(Optional.of(inbox), 50)).containsExactly(email.toString());
    }

    // Wishes.

    @Test
    void a_wish_shows_at_once_and_goes_when_it_is_discarded() {
        // Given
        EmailId other = stored.email(tenant, account, inbox, NOON.plusSeconds(1), "stays");
        EmailId email = stored.email(tenant, account, inbox, NOON, "moves");
        EmailId archived = stored.email(tenant, account, archive, NOON.minusSeconds(1), "was there");

        // When
        String mutation = patched(email, """
                {"keywords": {"$Seen": true, "$flagged": null}, "mailboxIds": {"%s": true, "%s": null}}""".formatted(archive, inbox));

        // Then
        JsonNode json = api.get(emailPath(email)).json();
        assertThat(json.get("keywords").toString()).isEqualTo("{\"$seen\":true}");
        assertThat(json.get("mailboxIds").toString()).isEqualTo("{\"" + archive + "\":true}");
        assertThat(listed(Optional.of(inbox), 50)).containsExactly(other.toString());
        assertThat(listed(Optional.of(archive), 50)).containsExactly(email.toString(), archived.toString());
        assertThat(listed(Optional.of(archive), 1)).containsExactly(email.toString(), archived.toString());
        assertThat(listed(Optional.empty(), 50)).hasSize(3);

        // When
        assertThat(api.call("DELETE", mutationPath(mutation), null).status()).isEqualTo(204);

        // Then
        JsonNode again = api.get(emailPath(email)).json();
        assertThat(again.get("keywords").toString()).isEqualTo("{\"$flagged\":true}");
        assertThat(listed(Optional.of(inbox), 50)).containsExactly(other.toString(), email.toString());
        assertThat(listed(Optional.of(archive), 50)).containsExactly(archived.toString());
    }

    @Test
    void the_last_of_several_wishes_is_the_one_that_shows() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "there and back");

        // When
        patched(email, "{\"mailboxIds\":{\"%s\":true,\"%s\":null}}".formatted(archive, inbox));
        patched(email, "{\"mailboxIds\":{\"%s\":null,\"%s\":true}}".formatted(archive, inbox));

        // Then
        assertThat(listed(Optional.of(inbox), 50)).containsExactly(email.toString());
        assertThat(listed(Optional.of(archive), 50)).isEmpty();
    }

    @Test
    void lists_with_wishes_laid_over_them_agree_with_the_emails_one_by_one() {
        // Given
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<EmailId> emails = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            emails.add(stored.email(
                    tenant,
                    account,
                    random.nextBoolean() ? inbox : archive,
                    NOON.plusSeconds(random.nextInt(8)),
                    "m" + i));
        }
        for (int i = 0; i < 40; i++) {
            EmailId email = emails.get(random.nextInt(emails.size()));
            MailboxId to = random.nextBoolean() ? inbox : archive;
            MailboxId from = to.equals(inbox) ? archive : inbox;
            switch (random.nextInt(8)) {
                case 0 -> api.call("DELETE", emailPath(email), null);
                case 1, 2, 3 -> patch(email, "{\"mailboxIds\":{\"%s\":true,\"%s\":null}}".formatted(to, from));
                case 4 -> patch(email, "{\"mailboxIds\":{\"%s\":true}}".formatted(to));
                case 5 -> patch(email, "{\"mailboxIds\":{\"%s\":null}}".formatted(from));
                default -> patch(email, "{\"keywords\":{\"k%d\":true}}".formatted(i));
            }
        }
        // Some have ended: they are not laid over any more.
        stored.update(
                "update pending_changes set state = 'failed' where account_id = ? and get_byte(uuid_send(mutation_id), 15) % 3 = 0",
                account.value());

        for (MailboxId mailbox : List.of(inbox, archive)) {
            // When
            List<String> expected = emails.stream()
                    .map(email -> api.get(emailPath(email)))
                    .filter(answer -> answer.status() == 200
                            && answer.json().get("mailboxIds").has(mailbox.toString()))
                    .map(answer -> answer.json().get("receivedAt").asText() + " "
                            + answer.json().get("id").asText())
                    .sorted(Collections.reverseOrder())
                    .map(line -> line.split(" ")[1])
                    .toList();

            // Then
            assertThat(listed(Optional.of(mailbox), 4)).as("seed %d", seed).isEqualTo(expected);
            assertThat(listed(Optional.of(mailbox), 500)).as("seed %d", seed).isEqualTo(expected);
        }
    }

    @Test
    void a_destroyed_email_is_gone_at_once() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "goes");

        // When
        Answer answer = api.call("DELETE", emailPath(email), null);

        // Then
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.json().get("mutationId").asText()).isNotBlank();
        assertProblem(api.get(emailPath(email)), 404, "destroyed");
        assertProblem(api.call("DELETE", emailPath(email), null), 404, "destroyed");
        assertThat(listed(Optional.of(inbox), 50)).isEmpty();
        assertThat(listed(Optional.empty(), 50)).isEmpty();
    }

    @Test
    void a_wish_that_cannot_be_is_refused_with_a_pointer() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "stays");
        MailboxId elsewhere = stored.mailbox(tenant, createAccount(api), "Elsewhere");

        // Then
        assertPointer(patch(email, "{\"mailboxIds\":{\"%s\":null}}".formatted(inbox)), "#/mailboxIds");
        assertPointer(patch(email, "{\"mailboxIds\":{\"%s\":true}}".formatted(elsewhere)), "#/mailboxIds/" + elsewhere);
        assertPointer(patch(email, "{\"keywords\":{\"$seen\":false}}"), "#/keywords/$seen");
        assertPointer(patch(email, "{\"keywords\":{\"a b\":true}}"), "#/keywords/a b");
        assertPointer(patch(email, "{\"subject\":\"x\"}"), "#/subject");
        assertPointer(patch(email, "{}"), "#");
        assertPointer(patch(email, "[]"), "#");
        assertProblem(patch(email, "{"), 400, "not JSON");
        assertThat(stored.value("select count(*) from pending_changes where account_id = ?", account.value()))
                .isEqualTo(0L);
    }

    @Test
    void a_wish_rings_for_its_account() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "rings");

        // When
        patched(email, "{\"keywords\":{\"$seen\":true}}");

        // Then
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(records(Topics.MUTATIONS)).anySatisfy(record -> {
                    assertThat(record.key()).isEqualTo(account.toString());
                    assertThat(EventCodec.decode(record.value(), MutationNotification.class))
                            .isEqualTo(new MutationNotification(tenant, account));
                }));
    }

    @Test
    void the_queue_is_listed_oldest_first_and_by_state() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "many");
        List<String> mutations = IntStream.range(0, 5)
                .mapToObj(i -> patched(email, "{\"keywords\":{\"k" + i + "\":true}}"))
                .toList();
        setState(mutations.get(2), "failed");

        // When
        JsonNode first = api.get(accountPath() + "/mutations?limit=3").json();
        JsonNode second = api.get(accountPath() + "/mutations?limit=3&cursor="
                        + first.get("next").asText())
                .json();
        JsonNode failed = api.get(accountPath() + "/mutations?state=failed").json();

        // Then
        assertThat(ids(first)).isEqualTo(mutations.subList(0, 3));
        assertThat(ids(second)).isEqualTo(mutations.subList(3, 5));
        assertThat(second.has("next")).isFalse();
        assertThat(ids(failed)).containsExactly(mutations.get(2));
        assertThat(failed.at("/list/0/patch").toString()).contains("\"k2\"");
        assertThat(failed.at("/list/0/emailId").asText()).isEqualTo(email.toString());
        assertThat(failed.at("/list/0/error").asText()).isEqualTo("why");
    }

    @ParameterizedTest
    @CsvSource({
        // state, retry, discard
        "queued,    202, 204",
        "sending,   409, 409",
        "applied,   409, 409",
        "confirmed, 409, 409",
        "rejected,  409, 204",
        "failed,    202, 204",
        "in-doubt,  202, 204",
    })
    void what_can_be_done_with_a_wish_depends_on_its_state(String state, int retried, int discarded) {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, state);
        String retry = patched(email, "{\"keywords\":{\"a\":true}}");
        String discard = patched(email, "{\"keywords\":{\"b\":true}}");
        setState(retry, state);
        setState(discard, state);

        // When
        Answer retryAnswer = api.call("POST", mutationPath(retry) + "/retry", null);
        Answer discardAnswer = api.call("DELETE", mutationPath(discard), null);

        // Then
        assertThat(retryAnswer.status()).isEqualTo(retried);
        assertThat(discardAnswer.status()).isEqualTo(discarded);
        JsonNode left = api.get(accountPath() + "/mutations").json();
        assertThat(ids(left).contains(discard)).isEqualTo(discarded == 409);
        assertThat(api.get(accountPath() + "/changes").json().get("list").findValuesAsText("mutationId"))
                .isEqualTo(discarded == 204 ? List.of(discard) : List.of());
        assertThat(left.at("/list/0/state").asText()).isEqualTo(retried == 202 ? "queued" : state);
        assertThat(left.at("/list/0/attempts").asInt()).isEqualTo(retried == 202 ? 0 : 3);
    }

    @Test
    void a_batch_does_for_each_email_what_it_can() {
        // Given
        EmailId seen = stored.email(tenant, account, inbox, NOON, "seen");
        EmailId moved = stored.email(tenant, account, inbox, NOON.plusSeconds(1), "moved");
        EmailId destroyed = stored.email(tenant, account, inbox, NOON.plusSeconds(2), "destroyed");
        EmailId nowhere = stored.email(tenant, account, inbox, NOON.plusSeconds(3), "nowhere");
        UUID unknown = UUID.randomUUID();

        // When
        Answer answer =
                batch(Optional.empty(), """
                {"update": {"%s": {"keywords": {"$seen": true}},
                            "%s": {"mailboxIds": {"%s": null, "%s": true}},
                            "%s": {"mailboxIds": {"%s": null}},
                            "%s": {"keywords": {"$seen": true}}},
                 "destroy": ["%s"]}""".formatted(seen, moved, inbox, archive, nowhere, inbox, unknown, destroyed));

        // Then
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(202);
        JsonNode json = answer.json();
        assertThat(names(json.get("mutationIds")))
                .containsExactlyInAnyOrder(seen.toString(), moved.toString(), destroyed.toString());
        assertThat(json.at("/refused/" + nowhere + "/type").asText()).isEqualTo("invalidProperties");
        assertThat(json.at("/refused/" + unknown + "/type").asText()).isEqualTo("notFound");
        assertThat(ids(api.get(accountPath() + "/mutations").json()))
                .containsExactlyInAnyOrderElementsOf(
                        StreamSupport.stream(json.get("mutationIds").spliterator(), false)
                                .map(JsonNode::asText)
                                .toList());
        assertThat(listed(Optional.of(archive), 50)).containsExactly(moved.toString());
        assertThat(listed(Optional.of(inbox), 50)).containsExactly(nowhere.toString(), seen.toString());
        assertThat(api.get(emailPath(seen)).json().at("/keywords/$seen").asBoolean())
                .isTrue();
    }

    @Test
    void a_batch_whose_form_is_wrong_stores_nothing() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "stays");
        String many = IntStream.range(0, 1_001)
                .mapToObj(i -> "\"" + UUID.randomUUID() + "\"")
                .collect(Collectors.joining(","));

        // Then
        assertPointer(
                batch(Optional.empty(), "{\"update\":{\"%s\":{\"keywords\":{\"a b\":true}}}}".formatted(email)),
                "#/update/" + email + "/keywords/a b");
        assertPointer(batch(Optional.empty(), "{\"update\":{\"x\":{}}}"), "#/update/x");
        assertPointer(batch(Optional.empty(), "{\"destroy\":[\"%s\",\"%s\"]}".formatted(email, email)), "#/destroy/1");
        assertPointer(batch(Optional.empty(), "{\"destroy\":[" + many + "]}"), "#");
        assertPointer(batch(Optional.empty(), "{\"destroy\":{}}"), "#/destroy");
        assertPointer(batch(Optional.empty(), "{\"create\":{}}"), "#/create");
        assertPointer(batch(Optional.empty(), "{}"), "#");
        assertThat(stored.value("select count(*) from pending_changes where account_id = ?", account.value()))
                .isEqualTo(0L);
    }

    @Test
    void a_thousand_emails_are_changed_by_one_call() {
        // Given
        List<EmailId> emails = IntStream.range(0, 1_000)
                .mapToObj(i -> stored.bodiless(tenant, account, 1, Optional.empty(), Optional.empty()))
                .toList();

        // When
        Answer answer = batch(
                Optional.empty(),
                "{\"update\":{"
                        + emails.stream()
                                .map(email -> "\"" + email + "\":{\"keywords\":{\"$seen\":true}}")
                                .collect(Collectors.joining(","))
                        + "}}");

        // Then
        assertThat(answer.json().get("mutationIds")).hasSize(1_000);
        assertThat(answer.json().get("refused")).isEmpty();
    }

    @Test
    void a_request_that_comes_again_with_its_idempotency_key_is_answered_and_not_done() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "once");
        Optional<String> key = Optional.of("k-" + UUID.randomUUID());
        String body = "{\"update\":{\"%s\":{\"keywords\":{\"$seen\":true}}}}".formatted(email);

        // When
        Answer first = batch(key, body);
        Answer again = batch(key, body);
        Answer other = batch(key, body.replace("seen", "flagged"));

        // Then
        assertThat(first.status()).isEqualTo(202);
        assertThat(again.status()).isEqualTo(202);
        assertThat(again.json()).isEqualTo(first.json());
        assertProblem(other, 422, "another body");
        assertThat(ids(api.get(accountPath() + "/mutations").json())).hasSize(1);

        // When
        Optional<String> single = Optional.of("s-" + UUID.randomUUID());
        JsonNode patched = api.call("PATCH", emailPath(email), "{\"keywords\":{\"a\":true}}", MERGE_PATCH, single)
                .json();
        JsonNode patchedAgain = api.call("PATCH", emailPath(email), "{\"keywords\":{\"a\":true}}", MERGE_PATCH, single)
                .json();

        // Then
        assertThat(patched.get("mutationId").asText()).isNotBlank();
        assertThat(patchedAgain).isEqualTo(patched);
        assertProblem(api.call("DELETE", emailPath(email), null, MERGE_PATCH, single), 422, "another method");
        assertProblem(api.call("DELETE", emailPath(email), null, MERGE_PATCH, Optional.of("a b")), 400, "no key");
        assertThat(ids(api.get(accountPath() + "/mutations").json())).hasSize(2);
    }

    @Test
    void a_request_that_comes_while_it_is_being_done_is_told_so() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "at once");
        String key = "k-" + UUID.randomUUID();
        String body = "{\"destroy\":[\"%s\"]}".formatted(email);
        String lock = "(hashtextextended('idempotency/" + tenant + "/" + key + "', 0))::text";
        stored.value("select pg_advisory_lock" + lock);

        // When
        Answer during = batch(Optional.of(key), body);
        stored.value("select pg_advisory_unlock" + lock);
        Answer afterwards = batch(Optional.of(key), body);

        // Then
        assertProblem(during, 409, "being done");
        assertThat(afterwards.status()).isEqualTo(202);
    }

    @Test
    void wishes_for_mailboxes_show_at_once_and_go_when_they_are_discarded() {
        // Given
        List<String> before = List.of("Archive", "INBOX");
        assertThat(paths()).isEqualTo(before);
        EmailId email = stored.email(tenant, account, inbox, NOON, "files");

        // When
        JsonNode created = wishForMailbox("POST", "", "{\"name\":\"2026\",\"parentId\":\"" + archive + "\"}");
        String year = created.get("mailboxId").asText();
        wishForMailbox("PATCH", "/" + archive, "{\"name\":\"Old\"}");
        wishForMailbox("POST", "", "{\"name\":\"Gone\"}");
        patched(email, "{\"mailboxIds\":{\"" + year + "\":true,\"" + inbox + "\":null}}");

        // Then
        assertThat(paths()).containsExactly("Gone", "INBOX", "Old", "Old/2026");
        assertThat(listed(Optional.of(MailboxId.of(year)), 50)).containsExactly(email.toString());

        // When
        wishForMailbox("DELETE", "/" + year, null);
        wishForMailbox("PATCH", "/" + archive, "{\"parentId\":\"" + inbox + "\"}");

        // Then
        assertThat(paths()).containsExactly("Gone", "INBOX", "INBOX/Old");

        // When
        api.call("DELETE", accountPath() + "/mutations?state=queued", null);

        // Then
        assertThat(paths()).isEqualTo(before);
        assertThat(api.get(accountPath() + "/changes").json().toString()).contains("mutation.discarded");
    }

    /** The server's own report arrives, and ends the wish, in one transaction: no reader may see neither of them. */
    @Test
    void a_wished_mailbox_does_not_flicker_when_its_echo_arrives() throws Exception {
        // Given
        UUID made = UUID.fromString(wishForMailbox("POST", "", "{\"name\":\"Steady\"}")
                .get("mailboxId")
                .asText());
        AtomicBoolean enough = new AtomicBoolean();

        // When
        CompletableFuture<Void> echoes = CompletableFuture.runAsync(() -> {
            try (StoredMail writer = StoredMail.in(stored.database())) {
                while (!enough.get()) {
                    writer.connection().setAutoCommit(false);
                    writer.update("""
                            insert into mailbox (account_id, tenant_id, mailbox_id, server_key, name, path, total_emails, unread_emails)
                            values (?, ?, ?, 'name:Steady', 'Steady', 'Steady', 0, 0)""", account.value(), tenant.value(), made);
                    writer.update("update pending_changes set state = 'confirmed' where mailbox_id = ?", made);
                    writer.connection().commit();
                    writer.update("delete from mailbox where mailbox_id = ?", made);
                    writer.update("update pending_changes set state = 'queued' where mailbox_id = ?", made);
                    writer.connection().commit();
                }
            } catch (SQLException e) {
                throw new AssertionError(e);
            }
        });

        // Then
        try {
            for (int i = 0; i < 300; i++) {
                assertThat(paths()).contains("Steady");
            }
        } finally {
            enough.set(true);
            echoes.get(60, TimeUnit.SECONDS);
        }
    }

    @Test
    void a_wish_for_a_mailbox_that_cannot_be_is_refused_with_a_pointer() {
        // Given
        String year = wishForMailbox("POST", "", "{\"name\":\"2026\",\"parentId\":\"" + archive + "\"}")
                .get("mailboxId")
                .asText();
        String mailboxes = accountPath() + "/mailboxes";

        // Then
        assertPointer(api.call("POST", mailboxes, "{\"name\":\"Archive\"}"), "#/name");
        assertPointer(api.call("POST", mailboxes, "{\"name\":\"a\\nb\"}"), "#/name");
        assertPointer(api.call("POST", mailboxes, "{}"), "#/name");
        assertPointer(api.call("POST", mailboxes, "{\"name\":\"x\",\"parentId\":\"" + id() + "\"}"), "#/parentId");
        assertPointer(api.call("POST", mailboxes, "{\"name\":\"x\",\"role\":\"sent\"}"), "#/role");
        assertPointer(
                api.call("PATCH", mailboxes + "/" + archive, "{\"parentId\":\"" + year + "\"}", MERGE_PATCH),
                "#/parentId");
        assertPointer(api.call("PATCH", mailboxes + "/" + archive, "{}", MERGE_PATCH), "#");
        assertPointer(api.call("DELETE", mailboxes + "/" + archive, null), "#");
        assertProblem(api.call("DELETE", mailboxes + "/" + id(), null), 404, "unknown");
    }

    private JsonNode wishForMailbox(String method, String path, String body) {
        Answer answer = api.call(method, accountPath() + "/mailboxes" + path, body);
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(202);
        return answer.json();
    }

    private List<String> paths() {
        return api.get(accountPath() + "/mailboxes").json().get("list").findValuesAsText("path");
    }

    @Test
    void all_wishes_are_retried_or_discarded_by_state() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "many");
        List<String> states = List.of("queued", "sending", "applied", "confirmed", "rejected", "failed", "in-doubt");
        for (String state : states) {
            setState(patched(email, "{\"keywords\":{\"%s\":true}}".formatted(state)), state);
        }

        // When
        Answer retried = api.call("POST", accountPath() + "/mutations/retry", null);

        // Then
        assertThat(retried.json().get("retried").asInt()).isEqualTo(2);
        assertThat(states())
                .containsExactly("queued", "sending", "applied", "confirmed", "rejected", "queued", "in-doubt");

        // When
        Answer discarded = api.call("DELETE", accountPath() + "/mutations", null);
        Answer named = api.call("DELETE", accountPath() + "/mutations?state=in-doubt&state=queued", null);

        // Then
        assertThat(discarded.json().get("discarded").asInt()).isEqualTo(1);
        assertThat(named.json().get("discarded").asInt()).isEqualTo(3);
        assertThat(states()).containsExactly("sending", "applied", "confirmed");
        assertProblem(api.call("DELETE", accountPath() + "/mutations?state=applied", null), 400, "too late");
        assertProblem(api.call("POST", accountPath() + "/mutations/retry?state=rejected", null), 400, "for good");
    }

    @Test
    void retrying_one_wish_ends_the_holding_of_all() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "held");
        String held = patched(email, "{\"keywords\":{\"a\":true}}");
        String failed = patched(email, "{\"keywords\":{\"b\":true}}");
        setState(failed, "failed");
        stored.update(
                "update pending_changes set held_at_revision = 1, next_try_at = now() + interval '5 minutes' where mutation_id = ?",
                UUID.fromString(held));

        // When
        Answer answer = api.call("POST", mutationPath(failed) + "/retry", null);

        // Then
        assertThat(answer.status()).isEqualTo(202);
        assertThat(stored.value(
                        "select count(*) from pending_changes where account_id = ? and next_try_at <= now() and held_at_revision is null",
                        account.value()))
                .isEqualTo(2L);
    }

    // Submissions.

    @Test
    void a_message_is_stored_once_and_canceled_before_it_goes() {
        // Given
        canSend();
        String body = """
                {"to": [{"name": "Bob", "email": "bob@example.com"}], "bcc": [{"email": "carol@example.com"}],
                 "subject": "Grüße", "text": "Hi Bob", "sendAt": "2099-01-01T08:00:00Z"}""";

        // When
        Answer first = submit(body, "key-1");
        Answer again = submit(body, "key-1");
        Answer other = submit(body.replace("Hi", "Hello"), "key-1");

        // Then
        assertThat(first.status()).as("%s", first.json()).isEqualTo(202);
        assertThat(again.json()).isEqualTo(first.json());
        assertProblem(other, 422, "the same key with another body");
        String path = accountPath() + "/submissions/"
                + first.json().get("submissionId").asText();
        JsonNode stored = api.get(path).json();
        assertThat(stored.path("state").asText()).isEqualTo("queued");
        assertThat(stored.path("subject").asText()).isEqualTo("Grüße");
        assertThat(stored.path("mailFrom").asText()).isEqualTo("alice@example.com");
        assertThat(stored.at("/recipients/1/email").asText()).isEqualTo("carol@example.com");
        assertThat(stored.path("sendAt").asText()).isEqualTo("2099-01-01T08:00:00Z");
        assertThat(api.get(accountPath() + "/submissions?state=queued").json().path("list"))
                .hasSize(1);

        // When
        Answer retried = api.call("POST", path + "/retry", null);
        Answer canceled = api.call("DELETE", path, null);

        // Then
        assertProblem(retried, 409, "nothing has failed");
        assertThat(canceled.status()).isEqualTo(204);
        assertThat(api.get(path).json().path("state").asText()).isEqualTo("canceled");
        assertProblem(api.call("DELETE", path, null), 409, "canceled already");
        assertThat(api.get(accountPath() + "/changes").json().toString())
                .containsSubsequence("submission.queued", "submission.canceled");
    }

    @Test
    void a_whole_message_says_itself_who_it_goes_to() {
        canSend();

        Answer answer = api.call(
                "POST",
                accountPath() + "/submissions",
                "From: alice@example.com\nTo: bob@example.com\nMessage-ID: <m@example.com>\nSubject: raw\n\nHi\n",
                "message/rfc822");

        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(202);
        JsonNode stored = api.get(accountPath() + "/submissions/"
                        + answer.json().get("submissionId").asText())
                .json();
        assertThat(stored.path("messageId").asText()).isEqualTo("m@example.com");
        assertThat(stored.at("/recipients/0/email").asText()).isEqualTo("bob@example.com");
    }

    @Test
    void what_can_not_be_sent_is_a_problem() {
        assertProblem(submit("{\"to\": [{\"email\": \"bob@example.com\"}]}", null), 422, "no SMTP server");
        canSend();
        assertProblem(submit("{\"subject\": \"s\"}", null), 422, "no recipient");
        assertProblem(submit("{\"to\": [{\"email\": \"bob@example.com>\\r\\nRCPT TO:<x@y\"}]}", null), 422, "address");
        assertProblem(
                submit("{\"to\": [{\"email\": \"bob@example.com\"}], \"subject\": \"s\\r\\nBcc: x@y\"}", null),
                422,
                "a header in the subject");
        assertProblem(api.get(accountPath() + "/submissions?state=x"), 400, "no such state");
        assertProblem(api.get(accountPath() + "/submissions/" + account), 404, "no such submission");
    }

    @Test
    void a_jmap_account_sends_if_its_server_offers_it_or_can_not_be_asked() {
        Vertx vertx = Vertx.vertx();
        FakeJmapServer server = FakeJmapServer.start(vertx);
        try {
            String asked = submissionsOfNewAccount(server);
            String notAsked = submissionsOfNewAccount(server);
            String message = "{\"to\": [{\"email\": \"ann@example.com\"}], \"text\": \"Hi\"}";

            Answer refused = api.call("POST", asked, message);
            server.offerSubmission();
            Answer taken = api.call("POST", asked, message);
            server.close();
            Answer away = api.call("POST", notAsked, message);

            assertProblem(refused, 422, "not offered");
            assertThat(refused.json().toString()).contains("urn:ietf:params:jmap:submission");
            assertThat(List.of(taken.status(), away.status())).containsExactly(202, 202);
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    private String submissionsOfNewAccount(FakeJmapServer server) {
        Answer added = api.call("POST", "/v1/accounts", """
                {"protocol": "jmap", "email": "%s", "password": "%s", "jmap": {"sessionUrl": "%s"}}""".formatted(
                        FakeJmapServer.USER, FakeJmapServer.PASSWORD, server.sessionUrl()));
        return "/v1/accounts/" + added.json().get("id").asText() + "/submissions";
    }

    private void canSend() {
        Answer changed = api.call(
                "PATCH",
                accountPath(),
                "{\"smtp\": {\"host\": \"127.0.0.1\", \"port\": 1025, \"tls\": \"none\"}}",
                MERGE_PATCH);
        assertThat(changed.status()).as("%s", changed.json()).isBetween(200, 204);
    }

    private Answer submit(String body, String key) {
        return api.call("POST", accountPath() + "/submissions", body, "application/json", Optional.ofNullable(key));
    }

    // Changes.

    @Test
    void changes_are_read_in_order_from_any_seq() {
        // Given
        List<ChangeEvent> changes = IntStream.range(0, 5)
                .mapToObj(i -> stored.change(tenant, account))
                .toList();

        // When
        JsonNode page = api.get(accountPath() + "/changes?since=1&limit=2").json();
        JsonNode rest = api.get(
                        accountPath() + "/changes?since=" + page.get("next").asLong())
                .json();

        // Then
        assertThat(page.at("/list").findValuesAsText("seq")).containsExactly("2", "3");
        assertThat(rest.at("/list").findValuesAsText("seq")).containsExactly("4", "5");
        assertThat(rest.has("next")).isFalse();
        assertThat(EventCodec.decode(page.at("/list/0").toString(), ChangeEvent.class))
                .isEqualTo(changes.get(1));
        assertThat(api.get(accountPath() + "/changes?since=99").json().get("list"))
                .isEmpty();
    }

    @Test
    void who_asks_for_changes_that_are_not_kept_any_longer_is_told_so() throws Exception {
        // Given: somebody has had the first change, and is away while others come and the oldest three are deleted
        stored.change(tenant, account);
        String position;
        try (EventReader events = EventReader.open(api, "/v1/events?accountId=" + account, Optional.empty())) {
            awaitReady(events);
            position = events.lastId();
        }
        for (int i = 0; i < 4; i++) {
            stored.change(tenant, account);
        }
        stored.update("delete from change_log where account_id = ? and seq <= 3", account.value());

        // Then
        for (int since = 0; since < 3; since++) {
            ApiCaller.Answer late = api.get(accountPath() + "/changes?since=" + since);
            assertProblem(late, 410, "gone");
            assertThat(late.json().get("detail").asText()).endsWith("since=5");
        }
        assertThat(api.get(accountPath() + "/changes?since=3")
                        .json()
                        .at("/list")
                        .findValuesAsText("seq"))
                .containsExactly("4", "5");
        try (EventReader events = EventReader.open(api, "/v1/events?accountId=" + account, Optional.of(position))) {
            Awaitility.await().atMost(SOON).until(() -> !events.changes().isEmpty());
            assertThat(events.changes().getFirst().type()).isEqualTo("reset");
            assertThat(events.changes().getFirst().data().get("accountId").asText())
                    .isEqualTo(account.toString());
            assertThat(events.changes().getFirst().seq()).isEqualTo(5);
            position = events.lastId();
            publish(stored.change(tenant, account));
            Awaitility.await().atMost(SOON).until(() -> events.changes().size() >= 2);
            assertThat(events.changes().getLast().seq()).isEqualTo(6);
        }

        // When nothing at all is left
        stored.update("delete from change_log where account_id = ?", account.value());
        assertProblem(api.get(accountPath() + "/changes?since=5"), 410, "gone");
        assertThat(api.get(accountPath() + "/changes?since=6").json().get("list"))
                .isEmpty();
        try (EventReader events = EventReader.open(api, "/v1/events?accountId=" + account, Optional.of(position))) {
            Awaitility.await().atMost(SOON).until(() -> !events.changes().isEmpty());
            assertThat(events.changes().getFirst().type()).isEqualTo("reset");
            assertThat(events.changes().getFirst().seq()).isEqualTo(6);
        }
    }

    @Test
    void live_changes_arrive_once_and_in_order_whatever_happens_to_their_records() throws Exception {
        // Given
        ChangeEvent before = stored.change(tenant, account);
        AccountId theirAccount = createAccount(caller(gateway, theirKey));
        try (EventReader events = EventReader.open(api, "/v1/events", Optional.empty())) {
            awaitReady(events);

            // When: one comes twice, one is lost, one comes late; and somebody else's and rubbish comes too
            ChangeEvent first = stored.change(tenant, account);
            publish(before, first, first);
            publish(stored.change(theirKey.tenant(), theirAccount));
            publishRubbish();
            stored.change(tenant, account);
            ChangeEvent third = stored.change(tenant, account);
            publish(third, first);

            // Then
            Awaitility.await().atMost(SOON).until(() -> events.changes().size() >= 3);
            publish(stored.change(tenant, account));
            Awaitility.await().atMost(SOON).until(() -> events.changes().size() >= 4);
            assertThat(events.changes()).extracting(Event::seq).containsExactly(2L, 3L, 4L, 5L);
            assertThat(events.changes()).extracting(Event::type).containsOnly("account.synced");
            assertThat(EventCodec.decode(events.changes().get(0).data().toString(), ChangeEvent.class))
                    .isEqualTo(first);
        }
    }

    @Test
    void a_stream_resumes_without_a_gap_for_every_account_on_any_gateway() throws Exception {
        // Given
        AccountId second = createAccount(api);
        List<AccountId> accounts = List.of(account, second);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> expected = new ArrayList<>();
        List<String> received = new ArrayList<>();
        Optional<String> position = Optional.empty();

        for (int round = 0; round < 6; round++) {
            // When: a stream is cut after some changes, and more come while nobody listens
            ApiCaller from = caller(round % 2 == 0 ? gateway : strict, ourKey);
            String path = "/v1/events?accountId=" + account + "&accountId=" + second;
            try (EventReader events = EventReader.open(from, path, position)) {
                awaitReady(events);
                for (int i = random.nextInt(5); i >= 0; i--) {
                    ChangeEvent change = stored.change(tenant, accounts.get(random.nextInt(2)));
                    expected.add(change.accountId() + " " + change.seq());
                    if (random.nextInt(3) > 0) {
                        publish(change);
                    }
                }
                // Two that are published, so that what was lost before them is noticed at once.
                for (AccountId last : accounts) {
                    ChangeEvent change = stored.change(tenant, last);
                    expected.add(change.accountId() + " " + change.seq());
                    publish(change);
                }
                int wanted = expected.size() - received.size();
                Awaitility.await().atMost(SOON).until(() -> events.changes().size() >= wanted);
                events.changes()
                        .forEach(event ->
                                received.add(event.data().get("accountId").asText() + " " + event.seq()));
                position = Optional.of(events.lastId());
            }
            for (int i = random.nextInt(3); i > 0; i--) {
                ChangeEvent change = stored.change(tenant, accounts.get(random.nextInt(2)));
                expected.add(change.accountId() + " " + change.seq());
                publish(change);
            }
        }
        try (EventReader events = EventReader.open(api, "/v1/events", position)) {
            int wanted = expected.size() - received.size();
            Awaitility.await().atMost(SOON).until(() -> events.changes().size() >= wanted);
            events.changes().stream()
                    .filter(event -> accounts.contains(
                            AccountId.of(event.data().get("accountId").asText())))
                    .forEach(event -> received.add(event.data().get("accountId").asText() + " " + event.seq()));
        }

        // Then
        for (AccountId one : accounts) {
            assertThat(received.stream().filter(line -> line.startsWith(one.toString())))
                    .as("seed %d", seed)
                    .containsExactlyElementsOf(expected.stream()
                            .filter(line -> line.startsWith(one.toString()))
                            .toList());
        }
    }

    @Test
    void an_account_that_comes_later_joins_the_stream() throws Exception {
        try (EventReader events = EventReader.open(api, "/v1/events", Optional.empty())) {
            awaitReady(events);

            // When
            AccountId later = createAccount(api);
            publish(stored.change(tenant, later));

            // Then
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(events.changes())
                            .extracting(event -> event.data().get("accountId").asText())
                            .containsExactly(later.toString()));
        }
    }

    @Test
    void a_long_absence_is_caught_up_from_the_log() throws Exception {
        // Given
        int missed = 1_500;
        String position;
        try (EventReader events = EventReader.open(api, "/v1/events?accountId=" + account, Optional.empty())) {
            awaitReady(events);
            position = events.lastId();
        }
        ChangeEvent first = stored.change(tenant, account);
        stored.update("""
                insert into change_log (account_id, tenant_id, seq, type, data)
                select account_id, tenant_id, n, type, replace(data, '"seq":1,', '"seq":' || n || ',')
                from change_log, generate_series(2, ?) n where account_id = ?""", missed, account.value());
        stored.update("update account_sync set change_seq = ? where account_id = ?", missed, account.value());

        // When
        try (EventReader events = EventReader.open(api, "/v1/events?accountId=" + account, Optional.of(position))) {
            Awaitility.await().atMost(SOON).until(() -> events.changes().size() >= missed);

            // Then
            assertThat(first.seq()).isOne();
            assertThat(events.changes())
                    .extracting(Event::seq)
                    .containsExactlyElementsOf(java.util.stream.LongStream.rangeClosed(1, missed)
                            .boxed()
                            .toList());
        }
    }

    @Test
    void a_position_that_is_none_is_a_bad_request() throws Exception {
        // When
        HttpResponse<String> response = http.send(
                api.request("/v1/events").header("Last-Event-ID", "12").build(), HttpResponse.BodyHandlers.ofString());

        // Then
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.headers().firstValue("Content-Type")).hasValue(Problem.MEDIA_TYPE);
    }

    // What must not leak.

    @Test
    void requests_that_are_given_up_leave_no_connection_behind() throws Exception {
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
    void health_and_metrics_are_there() {
        // When
        ApiCaller anybody = new ApiCaller(http, gateway.url(), Optional.empty());

        // Then
        assertThat(anybody.get("/q/health/live").status()).isEqualTo(200);
        assertThat(anybody.get("/q/health/ready").status()).isEqualTo(200);
        assertThat(anybody.get("/q/metrics").response().body()).contains("postbus_gateway_streams_open");
    }

    // What the tests are made of.

    /** An operation under /v1, as the API's own description has it; so a new one is tested without being named here. */
    private record Operation(String method, String path, String summary) {
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
                            .replace("{partId}", "1"));
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

    private static List<Operation> operations() {
        List<Operation> operations = new ArrayList<>();
        openApi.at("/paths")
                .properties()
                .forEach(path -> path.getValue().properties().stream()
                        .filter(operation -> path.getKey().startsWith("/v1"))
                        .forEach(operation -> operations.add(new Operation(
                                operation.getKey().toUpperCase(java.util.Locale.ROOT),
                                path.getKey(),
                                operation.getValue().path("summary").asText()))));
        return operations;
    }

    private static ApiCaller caller(GatewayProcess process, ApiKey key) {
        return new ApiCaller(http, process.url(), Optional.of(key.text().reveal()));
    }

    private static AccountId createAccount(ApiCaller api) {
        Answer answer = api.call("POST", "/v1/accounts", accountAt("127.0.0.1", 1143));
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(201);
        AccountId account = AccountId.of(answer.json().get("id").asText());
        assertThat(answer.response().headers().firstValue("Location"))
                .hasValueSatisfying(location -> assertThat(location).endsWith("/v1/accounts/" + account));
        return account;
    }

    private static String accountAt(String host, int port) {
        return """
                {"protocol": "imap", "email": "alice@example.com", "password": "s3cret",
                 "imap": {"host": "%s", "port": %d, "tls": "none"}}""".formatted(host, port);
    }

    private String accountPath() {
        return "/v1/accounts/" + account;
    }

    private String emailPath(EmailId email) {
        return accountPath() + "/emails/" + email;
    }

    private String mutationPath(String mutation) {
        return accountPath() + "/mutations/" + mutation;
    }

    private Answer patch(EmailId email, String patch) {
        return api.call("PATCH", emailPath(email), patch, MERGE_PATCH);
    }

    private String patched(EmailId email, String patch) {
        Answer answer = patch(email, patch);
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(202);
        return answer.json().get("mutationId").asText();
    }

    private Answer batch(Optional<String> idempotencyKey, String body) {
        return api.call("POST", accountPath() + "/emails/batch", body, ApiCaller.JSON, idempotencyKey);
    }

    private List<String> states() {
        return StreamSupport.stream(
                        api.get(accountPath() + "/mutations").json().get("list").spliterator(), false)
                .map(mutation -> mutation.get("state").asText())
                .toList();
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private List<String> listed(Optional<MailboxId> mailbox, int limit) {
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

    private void setState(String mutation, String state) {
        stored.update(
                "update pending_changes set state = ?, attempts = 3, error = 'why' where mutation_id = ?",
                state,
                UUID.fromString(mutation));
    }

    private static List<String> ids(JsonNode page) {
        return StreamSupport.stream(page.get("list").spliterator(), false)
                .map(item -> item.get("id").asText())
                .toList();
    }

    private static UUID id() {
        return UUID.randomUUID();
    }

    private static List<String> pointers(Answer answer) {
        return answer.json().get("errors").findValuesAsText("pointer");
    }

    private static void assertPointer(Answer answer, String pointer) {
        assertProblem(answer, 422, pointer);
        assertThat(pointers(answer)).containsExactly(pointer);
    }

    private static void assertProblem(Answer answer, int status, Object what) {
        assertThat(answer.status()).as("%s: %s", what, answer.json()).isEqualTo(status);
        assertThat(answer.contentType()).as("%s", what).isEqualTo(Problem.MEDIA_TYPE);
        assertThat(answer.json().get("status").asInt()).as("%s", what).isEqualTo(status);
        assertThat(new TreeSet<>(answer.json().properties().stream()
                        .map(Map.Entry::getKey)
                        .toList()))
                .as("%s", what)
                .contains("status", "title", "type")
                .isSubsetOf("status", "title", "type", "detail", "errors");
    }

    private static void awaitReady(EventReader events) {
        Awaitility.await().atMost(SOON).until(() -> !events.all().isEmpty());
    }

    private Optional<AccountRecord> lastAccountRecord() {
        List<ConsumerRecord<String, byte[]>> records = records(Topics.ACCOUNTS).stream()
                .filter(record -> record.key().equals(account.toString()))
                .toList();
        assertThat(records).isNotEmpty();
        return Optional.ofNullable(records.getLast().value())
                .map(value -> EventCodec.decode(value, AccountRecord.class));
    }

    private static List<ConsumerRecord<String, byte[]>> records(String topic) {
        try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(
                Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrap()),
                new StringDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(info -> new TopicPartition(topic, info.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            List<ConsumerRecord<String, byte[]>> records = new ArrayList<>();
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                consumer.poll(Duration.ofMillis(200)).forEach(records::add);
            }
            return records;
        }
    }

    private static void publish(ChangeEvent... changes) {
        try (KafkaProducer<String, byte[]> producer = producer()) {
            for (ChangeEvent change : changes) {
                ProducerRecord<String, byte[]> record =
                        new ProducerRecord<>(Topics.CHANGES, change.accountId().toString(), EventCodec.encode(change));
                record.headers()
                        .add("ce_type", ChangeEvent.typeOf(change.change()).getBytes());
                producer.send(record);
            }
        }
    }

    private static void publishRubbish() {
        try (KafkaProducer<String, byte[]> producer = producer()) {
            producer.send(new ProducerRecord<>(Topics.CHANGES, "no id", "{\"seq\":".getBytes()));
            producer.send(new ProducerRecord<>(Topics.CHANGES, null, null));
            ProducerRecord<String, byte[]> record =
                    new ProducerRecord<>(Topics.CHANGES, "no id", "{\"tenantId\":\"x\",\"seq\":1}".getBytes());
            record.headers().add("ce_type", "email.created".getBytes());
            producer.send(record);
        }
    }

    private static KafkaProducer<String, byte[]> producer() {
        return new KafkaProducer<>(
                Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrap()),
                new StringSerializer(),
                new ByteArraySerializer());
    }
}
