package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import no.nav.security.mock.oauth2.MockOAuth2Server;
import no.nav.security.mock.oauth2.token.DefaultOAuth2TokenCallback;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.gateway.it.ApiCaller.Answer;

/** Bearer tokens of an OpenID Connect provider beside API keys. */
class OidcIT extends GatewayTest {
    private static final String ISSUER = "company";
    private static final String AUDIENCE = "postbus";

    private static MockOAuth2Server provider;
    private static GatewayProcess oidc;

    @BeforeAll
    static void start() throws IOException {
        provider = new MockOAuth2Server();
        provider.start();
        oidc = GatewayProcess.start(
                "gateway-oidc",
                stored.database(),
                kafka,
                Map.of(
                        "POSTBUS_TRUSTED_PROXIES",
                        "127.0.0.1",
                        "POSTBUS_OIDC_URL",
                        provider.issuerUrl(ISSUER).toString(),
                        "POSTBUS_OIDC_AUDIENCE",
                        AUDIENCE));
        oidc.awaitReady(http);
    }

    @AfterAll
    static void stop() {
        oidc.close();
        provider.shutdown();
    }

    @Test
    void a_token_allows_what_its_claims_say() {
        ApiCaller reader = caller(Map.of("postbus_tenant", tenant.toString(), "postbus_scopes", List.of("read")));

        assertThat(reader.get("/v1/accounts/" + account).status()).isEqualTo(200);
        assertProblem(reader.call("DELETE", "/v1/accounts/" + account, null), 403, "no scope accounts");
        assertProblem(reader.get("/v1/admin/tenants"), 403, "no operator");
        ApiCaller theirs =
                caller(Map.of("postbus_tenant", theirKey.tenant().toString(), "postbus_scopes", "read accounts"));
        assertProblem(theirs.get("/v1/accounts/" + account), 404, "another tenant");
    }

    @Test
    void keys_keep_working_and_an_operator_may_have_a_token() {
        assertThat(caller(oidc, ourKey).get("/v1/accounts").status()).isEqualTo(200);
        ApiCaller operator = caller(Map.of("postbus_scopes", List.of("operator")));
        assertThat(operator.get("/v1/admin/tenants").status()).isEqualTo(200);
        assertProblem(operator.get("/v1/accounts"), 403, "an operator has no tenant");
    }

    @Test
    void a_change_is_logged_with_the_subject() {
        ApiCaller caller = caller(Map.of("postbus_tenant", tenant.toString(), "postbus_scopes", List.of("accounts")));

        Answer answer = caller.call("DELETE", "/v1/accounts/" + account, null);

        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(204);
        assertThat(stored.value(
                        "select actor from audit_log where object = ? and action like 'DELETE%'", account.toString()))
                .isEqualTo("subject:ann");
    }

    @Test
    void every_other_token_is_refused() {
        Map<String, Object> claims = Map.of("postbus_tenant", tenant.toString(), "postbus_scopes", List.of("read"));
        MockOAuth2Server stranger = new MockOAuth2Server();
        stranger.start();
        try {
            assertRefused("another audience", token(provider, ISSUER, "other", claims, 3600));
            assertRefused("another issuer", token(provider, "elsewhere", AUDIENCE, claims, 3600));
            assertRefused("another provider", token(stranger, ISSUER, AUDIENCE, claims, 3600));
            assertRefused("expired", token(provider, ISSUER, AUDIENCE, claims, -60));
            assertRefused("no claims", token(provider, ISSUER, AUDIENCE, Map.of(), 3600));
            assertRefused(
                    "no scopes", token(provider, ISSUER, AUDIENCE, Map.of("postbus_tenant", tenant.toString()), 3600));
            String valid = token(provider, ISSUER, AUDIENCE, claims, 3600);
            assertRefused("another signature", valid.substring(0, valid.length() - 8) + "AAAAAAAA");
            assertRefused("no signature", valid.substring(0, valid.lastIndexOf('.') + 1));
            assertRefused("no token", "opaque");
        } finally {
            stranger.shutdown();
        }
        assertProblem(
                caller(Map.of("postbus_tenant", UUID.randomUUID().toString(), "postbus_scopes", List.of("read")))
                        .get("/v1/accounts"),
                403,
                "no such tenant");
        // Where no provider is configured, a token is a wrong key.
        assertProblem(
                new ApiCaller(http, gateway.url(), Optional.of(token(provider, ISSUER, AUDIENCE, claims, 3600)))
                        .from("10.71.0.2")
                        .get("/v1/accounts"),
                401,
                "no provider");
    }

    @Test
    void a_stream_ends_when_its_token_expires() throws Exception {
        String token = token(
                provider,
                ISSUER,
                AUDIENCE,
                Map.of("postbus_tenant", tenant.toString(), "postbus_scopes", List.of("read")),
                8);
        ApiCaller caller = new ApiCaller(http, oidc.url(), Optional.of(token));

        try (EventReader stream = EventReader.open(caller, "/v1/events", Optional.empty())) {
            Awaitility.await().atMost(SOON).until(() -> !stream.all().isEmpty());
            Awaitility.await().atMost(SOON).until(stream::isEnded);
        }
    }

    private static void assertRefused(String what, String token) {
        assertProblem(
                new ApiCaller(http, oidc.url(), Optional.of(token))
                        .from("10.71.0.1")
                        .get("/v1/accounts"),
                401,
                what);
    }

    private static ApiCaller caller(Map<String, Object> claims) {
        return new ApiCaller(http, oidc.url(), Optional.of(token(provider, ISSUER, AUDIENCE, claims, 3600)));
    }

    private static String token(
            MockOAuth2Server by, String issuer, String audience, Map<String, Object> claims, long seconds) {
        return by.issueToken(
                        issuer,
                        "client",
                        new DefaultOAuth2TokenCallback(issuer, "ann", "JWT", List.of(audience), claims, seconds))
                .serialize();
    }
}
