package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;

/** The audit log: who did what, from where, and who sees it. */
class AuditIT extends GatewayTest {
    @Test
    void changes_of_accounts_are_logged_with_actor_address_and_request_id() throws Exception {
        // Given
        Answer key = createKey(tenant, "\"scopes\": [\"accounts\", \"read\"]");
        ApiCaller caller = api.withKey(secret(key)).from("10.70.0.1");

        // When
        AccountId added = createAccount(caller);
        String path = "/v1/accounts/" + added;
        Answer patched = caller.call("PATCH", path, "{\"password\": \"new\"}", MERGE_PATCH);
        caller.call("DELETE", path, null);

        // Then: in the same transactions, so they are there
        List<JsonNode> entries = own(entry -> entry.path("object").asText().equals(added.toString()));
        assertThat(entries)
                .extracting(entry -> entry.get("action").asText())
                .containsExactly(
                        "DELETE /v1/accounts/{accountId}", "PATCH /v1/accounts/{accountId}", "POST /v1/accounts");
        assertThat(entries).allSatisfy(entry -> {
            assertThat(entry.get("actor").asText()).isEqualTo("key:" + keyId(key));
            assertThat(entry.get("address").asText()).isEqualTo("10.70.0.1");
            assertThat(entry.get("outcome").asText()).isEqualTo("done");
        });
        assertThat(entries.get(1).get("requestId").asText())
                .isEqualTo(
                        patched.response().headers().firstValue("X-Request-Id").orElseThrow());
        assertThat(entries.toString()).doesNotContain("new\"");
    }

    @Test
    void a_request_id_is_taken_over_if_it_is_harmless() throws Exception {
        assertThat(requestId("trace-17/a.b")).isEqualTo("trace-17/a.b");
        assertThat(requestId("x".repeat(129))).hasSize(36);
        assertThat(requestId("a b\"c")).hasSize(36);
    }

    @Test
    void mutations_downloads_and_refusals_are_logged_and_reads_are_not() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "audited");
        ApiCaller reader = api.withKey(secret(createKey(tenant, "\"scopes\": [\"read\"]")));

        // When
        patched(email, "{\"keywords\":{\"$seen\":true}}");
        reader.get(emailPath(email));
        for (int i = 0; i < 20; i++) {
            assertProblem(reader.call("DELETE", emailPath(email), null), 403, "no scope");
        }

        // Then
        Awaitility.await().atMost(SOON).untilAsserted(() -> {
            List<JsonNode> entries = own(entry -> entry.path("object").asText().contains(email.toString()));
            assertThat(entries)
                    .extracting(entry -> entry.get("action").asText() + " "
                            + entry.get("outcome").asText())
                    .containsExactlyInAnyOrder(
                            "PATCH /v1/accounts/{accountId}/emails/{emailId} done",
                            "DELETE /v1/accounts/{accountId}/emails/{emailId} refused");
        });
    }

    @Test
    void a_tenant_sees_its_own_entries_and_an_operator_all() {
        // When
        Answer ours = createKey(tenant, "\"scopes\": [\"read\"]");
        Answer theirs = createKey(theirKey.tenant(), "\"scopes\": [\"read\"]");

        // Then
        List<String> seen = own(entry -> true).stream()
                .map(entry -> entry.path("object").asText())
                .toList();
        assertThat(seen).contains(keyId(ours)).doesNotContain(keyId(theirs));
        Answer all = operator().get("/v1/admin/audit?limit=500");
        assertThat(all.response().body()).contains(keyId(ours), keyId(theirs));
        Answer filtered = operator().get("/v1/admin/audit?limit=500&tenantId=" + theirKey.tenant());
        assertThat(filtered.response().body()).contains(keyId(theirs)).doesNotContain(keyId(ours));
    }

    private List<JsonNode> own(Predicate<JsonNode> wanted) {
        List<JsonNode> entries = new ArrayList<>();
        String cursor = "";
        while (true) {
            JsonNode page = api.get("/v1/audit?limit=100" + cursor).json();
            page.get("list").forEach(entry -> {
                if (wanted.test(entry)) {
                    entries.add(entry);
                }
            });
            if (!page.hasNonNull("next")) {
                return entries;
            }
            cursor = "&cursor=" + page.get("next").asText();
        }
    }

    private String requestId(String sent) throws Exception {
        return http.send(
                        api.request("/v1/accounts").header("X-Request-Id", sent).build(),
                        java.net.http.HttpResponse.BodyHandlers.discarding())
                .headers()
                .firstValue("X-Request-Id")
                .orElseThrow();
    }
}
