package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.model.AccountId;
import org.postbus.model.MailboxId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;
import org.postbus.topic.Topics;

/** What operators do: creating, suspending and deleting tenants. */
class AdministrationIT extends GatewayTest {
    private static final String ALL_SCOPES = "\"scopes\": [\"read\", \"mutate\", \"send\", \"accounts\", \"admin\"]";

    @Test
    void a_tenant_is_created_once_and_can_be_renamed() {
        // When
        String name = "acme " + id();
        Answer created = create(name);
        Answer again = operator().call("POST", "/v1/admin/tenants", "{\"name\": \"" + name + "\"}");
        String path = "/v1/admin/tenants/" + created.json().get("id").asText();
        Answer renamed = operator().call("PATCH", path, "{\"name\": \"" + name + "!\"}", MERGE_PATCH);

        // Then
        assertProblem(again, 409, "the same name");
        assertThat(again.json().get("detail").asText())
                .contains(created.json().get("id").asText());
        assertThat(renamed.json().get("name").asText()).isEqualTo(name + "!");
        assertThat(operator().get(path).json()).isEqualTo(renamed.json());
        assertThat(operator().get("/v1/admin/tenants?limit=500").json().get("list"))
                .contains(renamed.json());
        assertProblem(operator().get("/v1/admin/tenants/" + id()), 404, "no such tenant");
        assertProblem(operator().call("POST", "/v1/admin/tenants", "{}"), 422, "no name");
        assertProblem(operator().call("PATCH", path, "{\"status\": \"deleting\"}", MERGE_PATCH), 422, "status");
    }

    @Test
    void a_suspended_tenant_can_do_nothing_and_gets_back_what_it_had() throws Exception {
        // Given: one account is active, one is paused by the user
        TenantId suspended = tenant(create("suspended " + id()));
        ApiCaller caller = new ApiCaller(http, gateway.url(), Optional.of(secret(createKey(suspended, ALL_SCOPES))));
        AccountId active = createAccount(caller);
        AccountId paused = createAccount(caller);
        caller.call("PATCH", "/v1/accounts/" + paused, "{\"status\": \"paused\"}", MERGE_PATCH);
        MailboxId mailbox = stored.mailbox(suspended, active, "INBOX");
        String email =
                "/v1/accounts/" + active + "/emails/" + stored.email(suspended, active, mailbox, NOON, "mutated");
        assertThat(caller.call("PATCH", email, "{\"keywords\":{\"$seen\":true}}", MERGE_PATCH)
                        .status())
                .isEqualTo(202);
        String path = "/v1/admin/tenants/" + suspended;

        try (EventReader stream = EventReader.open(caller, "/v1/events", Optional.empty())) {
            // When
            Answer answer = operator()
                    .call(
                            "PATCH",
                            path,
                            "{\"status\": \"suspended\", \"reason\": \"unpaid since March\"}",
                            MERGE_PATCH);

            // Then
            assertThat(answer.json().get("status").asText()).isEqualTo("suspended");
            Awaitility.await().atMost(SOON).untilAsserted(() -> {
                assertProblem(caller.get("/v1/accounts"), 403, "suspended");
                assertThat(stream.isEnded()).isTrue();
                assertThat(record(active)).hasValue(AccountRecord.Status.PAUSED);
            });
            assertThat(caller.get("/v1/accounts").json().get("detail").asText()).contains("unpaid since March");
            assertThat(stored.value(
                            "select count(*) from accounts_with_due_mutations(1000) where account_id = ?",
                            active.value()))
                    .isEqualTo(0L);
        }

        // When
        operator().call("PATCH", path, "{\"status\": \"active\"}", MERGE_PATCH);

        // Then: a gateway has looked up the state of the tenant at most 5 s ago
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(
                        () -> assertThat(caller.get("/v1/accounts").status()).isEqualTo(200));
        assertThat(caller.get("/v1/accounts/" + active).json().get("status").asText())
                .isEqualTo("active");
        assertThat(caller.get("/v1/accounts/" + paused).json().get("status").asText())
                .isEqualTo("paused");
        assertThat(stored.value(
                        "select count(*) from accounts_with_due_mutations(1000) where account_id = ?", active.value()))
                .isEqualTo(1L);
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(record(active)).hasValue(AccountRecord.Status.ACTIVE));
    }

    @Test
    void a_deleted_tenant_is_erased_everywhere() {
        // Given: more emails than one transaction deletes
        TenantId gone = tenant(create("gone " + id()));
        ApiCaller caller = new ApiCaller(http, gateway.url(), Optional.of(secret(createKey(gone, ALL_SCOPES))));
        AccountId first = createAccount(caller);
        AccountId second = createAccount(caller);
        MailboxId mailbox = stored.mailbox(gone, first, "INBOX");
        stored.email(gone, first, mailbox, NOON, "one");
        insertEmails(gone, first, 5_000);
        stored.change(gone, second);
        stored.update(
                "insert into quarantine (tenant_id, account_id, topic, partition, record_offset, value, reason)"
                        + " values (?, ?, 't', 0, 0, '\\x00', 'r')",
                gone.value(),
                first.value());

        // When
        Answer answer = operator().call("DELETE", "/v1/admin/tenants/" + gone, null);

        // Then
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.json().get("status").asText()).isEqualTo("deleting");
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(stored.value(
                                "select count(*) from account_erasure where tenant_id = ? and erased", gone.value()))
                        .isEqualTo(2L));
        // The tenant stays until the writer has published the deletions.
        assertThat(operator().get("/v1/admin/tenants/" + gone).status()).isEqualTo(200);
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertProblem(caller.get("/v1/accounts"), 403, "being deleted"));
        assertThat(stored.value("select seq from account_erasure where account_id = ?", second.value()))
                .isEqualTo(2L);
        for (AccountId account : List.of(first, second)) {
            stored.value("select deletion_published(?)", account.value());
        }
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertProblem(operator().get("/v1/admin/tenants/" + gone), 404, "erased"));
        for (Object table : tables()) {
            long left = (Long) stored.value("select count(*) from " + table + " where tenant_id = ?", gone.value());
            // The audit log stays until retention.
            assertThat(left > 0).as("%s", table).isEqualTo(table.equals("audit_log"));
        }
        assertThat(TopicRecords.all(kafka, Topics.ACCOUNTS).stream()
                        .filter(record -> record.key().equals(first.toString()))
                        .reduce((a, b) -> b))
                .hasValueSatisfying(record -> assertThat(record.value()).isNull());
        assertThat(stored.value(
                        "select count(*) from audit_log where tenant_id = ? and action = 'tenant.erased'",
                        gone.value()))
                .isEqualTo(1L);
    }

    /** As when the gateway ended between the deletion of the account and that of its rows. */
    @Test
    void an_erasure_that_was_interrupted_is_continued() {
        // Given
        insertEmails(tenant, account, 3_000);

        // When
        stored.update("delete from account where account_id = ?", account.value());
        assertThat(stored.value("select count(*) from email where account_id = ?", account.value()))
                .isEqualTo(3_000L);

        // Then
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(
                                stored.value("select count(*) from email where account_id = ?", account.value()))
                        .isEqualTo(0L));
    }

    /** It runs for deleted accounts only, whoever calls it. */
    @Test
    void an_account_that_is_not_deleted_can_not_be_erased() {
        insertEmails(tenant, account, 10);
        stored.value("select set_config('app.tenant', ?, false)", tenant.toString());
        assertThat(stored.value("select erase_account_rows(?, 100)", account.value()))
                .isEqualTo(false);
        assertThat(stored.value("select count(*) from email where account_id = ?", account.value()))
                .isEqualTo(10L);
        assertThat(stored.value("select finish_tenant_erasure(?)", tenant.value()))
                .isEqualTo(false);
    }

    private static void insertEmails(TenantId tenant, AccountId account, int count) {
        stored.update("""
                insert into email (account_id, tenant_id, thread_id, size, received_at, headers, has_attachment, preview)
                select ?, ?, gen_random_uuid(), 1, now(), '{}', false, '' from generate_series(1, ?)""", account.value(), tenant.value(), count);
        stored.update("""
                insert into email_body (account_id, tenant_id, email_id, body)
                select account_id, tenant_id, email_id, '{}' from email where account_id = ?
                on conflict do nothing""", account.value());
    }

    /** Of every table that carries a tenant. */
    private static Object[] tables() {
        try {
            return (Object[]) ((java.sql.Array) stored.value("""
                    select array_agg(c.table_name::text) from information_schema.columns c
                    join information_schema.tables t using (table_schema, table_name)
                    where c.table_schema = 'public' and c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE'""")).getArray();
        } catch (java.sql.SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static Answer create(String name) {
        Answer answer = operator().call("POST", "/v1/admin/tenants", "{\"name\": \"" + name + "\"}");
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(201);
        return answer;
    }

    private static TenantId tenant(Answer created) {
        return TenantId.of(created.json().get("id").asText());
    }

    private static Optional<AccountRecord.Status> record(AccountId account) {
        return TopicRecords.all(kafka, Topics.ACCOUNTS).stream()
                .filter(record -> record.key().equals(account.toString()) && record.value() != null)
                .map(ConsumerRecord::value)
                .map(value -> EventCodec.decode(value, AccountRecord.class).status())
                .reduce((a, b) -> b);
    }
}
