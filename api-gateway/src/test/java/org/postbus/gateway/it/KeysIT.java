package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.devstack.postgres.Role;
import org.postbus.gateway.it.ApiCaller.Answer;

/** What keys allow, and that it ends: scopes, addresses, expiry, revocation, throttling. */
class KeysIT extends GatewayTest {
    private static final List<String> SCOPES = List.of("read", "mutate", "send", "accounts", "admin");
    private static final Duration REVOKED_WITHIN = Duration.ofSeconds(5);

    /** A route that the table of required scopes lacks would be answered 404 whatever the key. */
    @Test
    void every_route_requires_one_scope_and_names_it() {
        // Given
        Map<String, ApiCaller> callers = new HashMap<>();
        for (String scope : SCOPES) {
            callers.put(scope, caller("\"scopes\": [\"" + scope + "\"]"));
        }

        for (Operation operation : operations()) {
            // When
            List<String> allowed = new ArrayList<>();
            List<String> refusals = new ArrayList<>();
            for (String scope : SCOPES) {
                // A stream would not end; one of an unknown account does not begin.
                Answer answer = operation.path().equals("/v1/events")
                        ? operation.at(callers.get(scope), "/v1/events?accountId=" + id())
                        : operation.call(callers.get(scope), account, id(), id());
                if (answer.status() == 403) {
                    refusals.add(answer.json().get("detail").asText());
                } else {
                    allowed.add(scope);
                }
            }

            // Then
            if (operation.path().startsWith("/v1/admin/")) {
                assertThat(allowed).as(operation.toString()).isEmpty();
                assertThat(refusals).allSatisfy(text -> assertThat(text).contains("operators"));
            } else {
                assertThat(allowed).as(operation.toString()).hasSize(1);
                assertThat(refusals)
                        .as(operation.toString())
                        .allSatisfy(text -> assertThat(text).contains("lacks the scope " + allowed.getFirst()));
            }
        }
    }

    @Test
    void an_operator_can_call_no_route_of_a_tenant() {
        for (Operation operation : operations()) {
            if (!operation.path().startsWith("/v1/admin/")) {
                Answer answer = operation.call(operator(), account, id(), id());
                assertProblem(answer, 403, operation);
                assertThat(answer.json().get("detail").asText()).contains("operator key has no tenant");
            }
        }
    }

    @Test
    void a_missing_a_wrong_a_revoked_and_an_expired_key_are_told_apart() {
        // Given
        Answer revoked = createKey(tenant, "\"scopes\": [\"read\"]");
        Answer expired = createKey(
                tenant,
                "\"scopes\": [\"read\"], \"expiresAt\": \"" + Instant.now().plusSeconds(2) + "\"");
        operator().call("DELETE", keyPath(revoked), null);
        ApiCaller nobody = new ApiCaller(http, gateway.url(), Optional.empty()).from("10.67.0.1");

        // When, Then
        assertThat(detail(nobody)).contains("send an API key in the header Authorization");
        assertThat(detail(nobody.withKey("pb_wrong"))).contains("is unknown");
        assertThat(detail(nobody.withKey("wrong"))).contains("this is no API key");
        assertThat(detail(nobody.withKey(secret(revoked)))).contains("was revoked");
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(nobody.withKey(secret(expired))
                                .get("/v1/accounts")
                                .status())
                        .isEqualTo(401));
        assertThat(detail(nobody.withKey(secret(expired)))).contains("expired at 20");
    }

    @Test
    void a_revoked_key_ends_requests_and_streams_on_every_gateway_within_seconds() throws Exception {
        // Given
        Answer key = createKey(tenant, "\"scopes\": [\"read\"]");
        ApiCaller here = new ApiCaller(http, gateway.url(), Optional.of(secret(key)));
        ApiCaller there = new ApiCaller(http, strict.url(), Optional.of(secret(key)));
        try (EventReader stream = EventReader.open(here, "/v1/events", Optional.empty());
                EventReader other = EventReader.open(there, "/v1/events", Optional.empty());
                EventReader unaffected = EventReader.open(api, "/v1/events", Optional.empty())) {
            Awaitility.await()
                    .atMost(SOON)
                    .until(() -> !stream.all().isEmpty()
                            && !other.all().isEmpty()
                            && !unaffected.all().isEmpty());
            assertThat(there.get("/v1/accounts").status()).isEqualTo(200);

            // When
            assertThat(operator().call("DELETE", keyPath(key), null).status()).isEqualTo(204);

            // Then
            Awaitility.await()
                    .atMost(REVOKED_WITHIN)
                    .until(() -> stream.isEnded()
                            && other.isEnded()
                            && here.get("/v1/accounts").status() == 401
                            && there.get("/v1/accounts").status() == 401);
            assertThat(unaffected.isEnded()).isFalse();
        }
    }

    @Test
    void a_key_works_only_from_its_addresses() {
        // Given
        ApiCaller caller =
                caller("\"scopes\": [\"read\"], \"allowedAddresses\": [\"192.0.2.0/24\", \"2001:db8::/32\"]");

        // Then
        assertThat(caller.from("192.0.2.9").get("/v1/accounts").status()).isEqualTo(200);
        assertThat(caller.from("2001:db8::9").get("/v1/accounts").status()).isEqualTo(200);
        assertProblem(caller.from("198.51.100.9").get("/v1/accounts"), 403, "another address");
        assertProblem(caller.get("/v1/accounts"), 403, "the peer itself");
        assertProblem(caller.from("192.0.2.9, 198.51.100.9").get("/v1/accounts"), 403, "what the client claims");
    }

    @Test
    void a_rotated_key_works_until_its_grace_period_ends() {
        // Given
        Answer old = createKey(tenant, "\"scopes\": [\"read\", \"send\"]");
        ApiCaller before = new ApiCaller(http, gateway.url(), Optional.of(secret(old)));

        // When
        Answer fresh = operator().call("POST", keyPath(old) + "/rotate", "{}");
        Answer none = operator().call("POST", keyPath(old) + "/rotate", "{\"graceSeconds\": 0}");

        // Then
        assertThat(fresh.status()).isEqualTo(201);
        assertThat(fresh.json().at("/key/scopes").toString()).isEqualTo("[\"read\",\"send\"]");
        assertThat(before.withKey(secret(fresh)).get("/v1/accounts").status()).isEqualTo(200);
        assertThat(none.status()).isEqualTo(201);
        Awaitility.await()
                .atMost(REVOKED_WITHIN)
                .until(() -> before.get("/v1/accounts").status() == 401);
        assertThat(before.withKey(secret(none)).get("/v1/accounts").status()).isEqualTo(200);
        assertProblem(operator().call("POST", keyPath(old) + "/rotate", "{}"), 404, "an expired key");
    }

    @Test
    void a_tenant_manages_its_own_keys_and_none_that_allow_more() {
        // Given
        ApiCaller admin = caller("\"scopes\": [\"admin\", \"read\"], \"allowedAddresses\": [\"127.0.0.1\"]");
        Answer stronger = createKey(tenant, "\"scopes\": [\"send\"]");
        Answer theirs = createKey(theirKey.tenant(), "\"scopes\": [\"read\"]");

        // When
        Answer made = admin.call(
                "POST",
                "/v1/keys",
                "{\"name\": \"own\", \"scopes\": [\"read\"], \"allowedAddresses\": [\"127.0.0.1\"]}");

        // Then
        assertThat(made.status()).as("%s", made.json()).isEqualTo(201);
        assertThat(admin.withKey(secret(made)).get("/v1/accounts").status()).isEqualTo(200);
        assertProblem(admin.withKey(secret(made)).get("/v1/keys"), 403, "without the scope admin");
        Answer list = admin.get("/v1/keys?limit=500");
        assertThat(list.response().body())
                .contains(keyId(made), keyId(stronger))
                .doesNotContain(keyId(theirs), secret(made), "key_hash");
        for (String more : List.of(
                "\"scopes\": [\"send\"], \"allowedAddresses\": [\"127.0.0.1\"]",
                "\"scopes\": [\"read\"]",
                "\"scopes\": [\"read\"], \"allowedAddresses\": [\"127.0.0.0/8\"]")) {
            assertProblem(admin.call("POST", "/v1/keys", "{\"name\": \"more\", " + more + "}"), 403, more);
        }
        assertProblem(admin.call("POST", "/v1/keys/" + keyId(stronger) + "/rotate", "{}"), 403, "a stronger key");
        assertProblem(admin.call("POST", "/v1/keys/" + keyId(theirs) + "/rotate", "{}"), 404, "another tenant's");
        assertProblem(admin.call("DELETE", "/v1/keys/" + keyId(theirs), null), 404, "another tenant's");
        assertThat(admin.call("DELETE", "/v1/keys/" + keyId(made), null).status())
                .isEqualTo(204);
    }

    @Test
    void a_tenant_has_a_limited_number_of_keys() {
        // Given
        ApiKey full = ApiKey.issue(stored.database(), "full");
        stored.update("""
                insert into api_key (key_hash, tenant_id, name)
                select sha256(convert_to(?::text || n, 'UTF8')), ?, 'n' from generate_series(2, 99) n""", full.tenant().toString(), full.tenant().value());
        ApiCaller caller = caller(gateway, full);
        String request = "{\"name\": \"one more\", \"scopes\": [\"read\"]}";

        // Then
        assertThat(caller.call("POST", "/v1/keys", request).status()).isEqualTo(201);
        assertProblem(caller.call("POST", "/v1/keys", request), 409, "101st");
    }

    @Test
    void wrong_keys_are_throttled_by_address_and_do_no_harm_to_others() {
        // Given
        ApiCaller valid = api.from("10.68.0.1");
        assertThat(valid.get("/v1/accounts").status()).isEqualTo(200);
        ApiCaller wrong = new ApiCaller(http, gateway.url(), Optional.of("pb_guess")).from("10.68.0.1");

        // When
        List<Integer> statuses = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            statuses.add(wrong.withKey("pb_guess" + i).get("/v1/accounts").status());
        }
        for (int i = 0; i < 30; i++) {
            wrong.from("2001:db8:1:2::" + i).get("/v1/accounts");
        }

        // Then
        assertThat(statuses).startsWith(401, 401).contains(429);
        assertThat(statuses.stream().filter(status -> status == 401).count()).isBetween(10L, 15L);
        Answer refused = wrong.get("/v1/accounts");
        assertProblem(refused, 429, "throttled");
        assertThat(refused.response().headers().firstValueAsLong("Retry-After").orElse(0))
                .isBetween(1L, 6L);
        assertThat(valid.get("/v1/accounts").status()).isEqualTo(200);
        assertThat(wrong.from("10.68.0.2").get("/v1/accounts").status()).isEqualTo(401);
        assertThat(wrong.from("2001:db8:1:2:ffff::1").get("/v1/accounts").status())
                .isEqualTo(429);
        assertThat(wrong.from("2001:db8:1:3::1").get("/v1/accounts").status()).isEqualTo(401);
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(
                                stored.value(
                                        "select count(*) from audit_log where action = 'login.failed' and object = '10.68.0.1/32'"))
                        .isEqualTo(1L));
    }

    @Test
    void the_last_use_of_a_key_is_stored() {
        // Given
        Answer key = createKey(tenant, "\"scopes\": [\"read\"]");

        // When
        api.withKey(secret(key)).get("/v1/accounts");

        // Then
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .untilAsserted(() -> assertThat(stored.value(
                                "select last_used_at is not null from api_key where key_id = ?::uuid", keyId(key)))
                        .isEqualTo(true));
    }

    /** The role of the gateway, in the hands of somebody who runs SQL with it. */
    @Test
    void the_database_shows_no_hashes_and_no_keys_of_others() throws SQLException {
        try (Connection connection = stored.database().connect(Role.GATEWAY);
                StoredMail asGateway = new StoredMail(stored.database(), connection)) {
            assertThat(asGateway.value("select count(*) from api_key")).isEqualTo(0L);
            asGateway.value("select set_config('app.tenant', ?, false)", tenant.toString());
            assertThat(asGateway.value(
                            "select count(*) from api_key where tenant_id is distinct from ?", tenant.value()))
                    .isEqualTo(0L);
            assertThat((Long) asGateway.value("select count(*) from api_key")).isPositive();
            for (String attempt : List.of(
                    "select key_hash from api_key",
                    "update api_key set scopes = '{admin}'",
                    "update api_key set tenant_id = null",
                    "update tenant set tenant_id = gen_random_uuid()",
                    "delete from tenant",
                    "delete from audit_log",
                    "update audit_log set actor = 'nobody'",
                    "insert into audit_log (actor, action, outcome) values ('x', 'y', 'done')")) {
                assertThatThrownBy(() -> asGateway.update(attempt))
                        .as(attempt)
                        .hasRootCauseInstanceOf(SQLException.class)
                        .rootCause()
                        .hasMessageContaining("permission denied");
            }
        }
        for (Role role : List.of(Role.FETCHER, Role.WRITER, Role.OUTBOUND)) {
            try (Connection connection = stored.database().connect(role);
                    StoredMail asService = new StoredMail(stored.database(), connection)) {
                for (String attempt : List.of(
                        "select count(*) from api_key",
                        "select count(*) from audit_log",
                        "select authenticate('\\x00')",
                        "select register_operator_key('\\x00')",
                        "select tenants(gen_random_uuid(), null, 1)")) {
                    assertThatThrownBy(() -> asService.value(attempt))
                            .as(role + ": " + attempt)
                            .rootCause()
                            .hasMessageContaining("permission denied");
                }
            }
        }
    }

    private ApiCaller caller(String properties) {
        return new ApiCaller(http, gateway.url(), Optional.of(secret(createKey(tenant, properties))));
    }

    private String keyPath(Answer created) {
        return "/v1/admin/tenants/" + tenant + "/keys/" + keyId(created);
    }

    private static String detail(ApiCaller caller) {
        Answer answer = caller.get("/v1/accounts");
        assertProblem(answer, 401, caller.key());
        return answer.json().get("detail").asText();
    }
}
