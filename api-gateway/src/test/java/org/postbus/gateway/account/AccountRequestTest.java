package org.postbus.gateway.account;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.egress.NamedHost;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.topic.AccountRecord;

class AccountRequestTest {
    private static final ServerAddress IMAP = new ServerAddress("imap.example.com", 993, TlsMode.TLS);
    private static final ServerAddress SMTP = new ServerAddress("smtp.example.com", 465, TlsMode.TLS);
    private static final AccountSettings SETTINGS = new AccountSettings.Imap("alice", IMAP, Optional.of(SMTP));

    @Test
    void an_imap_account_is_read() {
        // When
        AccountRequest request = AccountRequest.create(json(RequestExamples.ACCOUNT));

        // Then
        assertThat(request.settings())
                .isEqualTo(new AccountSettings.Imap("alice@example.com", IMAP, Optional.of(SMTP)));
        assertThat(request.credential()).contains(new Credential.Password(new Secret("secret")));
        assertThat(request.status()).isEqualTo(AccountRecord.Status.ACTIVE);
    }

    @Test
    void the_user_name_defaults_to_the_address() {
        // When
        AccountRequest request = AccountRequest.create(json("""
                {"protocol": "jmap", "email": "bob@example.com", "password": "x",
                 "jmap": {"sessionUrl": "https://jmap.example.com/session"}}"""));

        // Then
        assertThat(request.settings())
                .isEqualTo(new AccountSettings.Jmap("bob@example.com", URI.create("https://jmap.example.com/session")));
    }

    @Test
    void one_of_several_accounts_of_a_login_is_chosen_and_can_not_be_changed() {
        // When
        AccountRequest request = AccountRequest.create(json("""
                {"protocol": "jmap", "email": "team@example.com", "username": "bob@example.com", "password": "x",
                 "jmap": {"sessionUrl": "https://jmap.example.com/session", "accountId": "A2",
                          "trustedHosts": ["cdn.example.net"]},
                 "smtp": {"host": "smtp.example.com", "port": 465, "tls": "tls"}}"""));
        AccountRequest moved = AccountRequest.change(
                request.email(),
                request.settings(),
                request.status(),
                json("{\"jmap\": {\"sessionUrl\": \"https://new.example.com/session\"}}"));

        // Then
        assertThat(moved.settings())
                .isEqualTo(new AccountSettings.Jmap(
                        "bob@example.com",
                        URI.create("https://new.example.com/session"),
                        Optional.of("A2"),
                        List.of("cdn.example.net"),
                        Optional.of(SMTP)));
        assertThat(moved.hosts())
                .extracting(NamedHost::host)
                .containsExactly("new.example.com", "cdn.example.net", "smtp.example.com");
        for (String other : List.of("\"A3\"", "null")) {
            assertThat(violations(() -> AccountRequest.change(
                            request.email(),
                            request.settings(),
                            request.status(),
                            json("{\"jmap\": {\"accountId\": " + other + "}}"))))
                    .extracting(Violation::pointer)
                    .containsExactly("#/jmap/accountId");
        }
    }

    @Test
    void trusted_hosts_are_checked_replaced_as_a_list_and_removed() {
        // When
        AccountRequest request = AccountRequest.create(json("""
                {"protocol": "jmap", "email": "bob@example.com", "password": "x",
                 "jmap": {"sessionUrl": "https://jmap.example.com/session", "trustedHosts": ["a.example.net", "b.example.net"]}}"""));

        // Then
        assertThat(request.hosts())
                .extracting(NamedHost::host)
                .containsExactly("jmap.example.com", "a.example.net", "b.example.net");
        assertThat(trustedAfter(request, "[\"c.example.net\"]")).containsExactly("c.example.net");
        assertThat(trustedAfter(request, "null")).isEmpty();
        for (String wrong : List.of("\"a.example.net\"", "[7]", "[\"https://a.example.net/\"]", "{\"a\":\"b\"}")) {
            assertThat(violations(() -> trustedAfter(request, wrong)))
                    .extracting(Violation::pointer)
                    .containsExactly("#/jmap/trustedHosts");
        }
    }

    private static List<String> trustedAfter(AccountRequest request, String trustedHosts) {
        AccountSettings settings = AccountRequest.change(
                        request.email(),
                        request.settings(),
                        request.status(),
                        json("{\"jmap\": {\"trustedHosts\": " + trustedHosts + "}}"))
                .settings();
        return ((AccountSettings.Jmap) settings).trustedHosts();
    }

    @Test
    void an_access_token_replaces_a_password_and_can_be_patched() {
        // When
        AccountRequest request = AccountRequest.create(json("""
                {"protocol": "jmap", "email": "bob@example.com", "accessToken": "t1",
                 "jmap": {"sessionUrl": "https://jmap.example.com/session"}}"""));
        AccountRequest changed = AccountRequest.change(
                request.email(), request.settings(), request.status(), json("{\"accessToken\": \"t2\"}"));

        // Then
        assertThat(request.credential()).contains(new Credential.AccessToken(new Secret("t1")));
        assertThat(changed.credential()).contains(new Credential.AccessToken(new Secret("t2")));
    }

    @Test
    void an_account_needs_one_credential() {
        assertThat(violations(() -> AccountRequest.create(json("""
                {"protocol": "jmap", "email": "bob@example.com",
                 "jmap": {"sessionUrl": "https://jmap.example.com/session"}}"""))))
                .extracting(Violation::pointer)
                .containsExactly("#/password");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "'protocol': 'pop3'                                            | #/protocol",
                "'email': 'alice'                                              | #/email",
                "'password': ''                                                | #/password",
                "'accessToken': 'x'                                            | #/password",
                "'password': 5                                                 | #/password",
                "'username': 'a\\u0000b'                                       | #/username",
                "'colour': 'red'                                               | #/colour",
                "'jmap': {}                                                    | #/jmap",
                "'imap': {'host':'a b','port':993,'tls':'tls'}                 | #/imap/host",
                "'imap': {'host':'a.example','port':0,'tls':'tls'}             | #/imap/port",
                "'imap': {'host':'a.example','port':'993','tls':'tls'}         | #/imap/port",
                "'imap': {'host':'a.example','port':99999,'tls':'tls'}         | #/imap/port",
                "'imap': {'host':'a.example','port':-1,'tls':'tls'}            | #/imap/port",
                "'imap': {'host':'a.example','port':1.5,'tls':'tls'}           | #/imap/port",
                "'imap': {'host':'a.example','port':9999999999,'tls':'tls'}    | #/imap/port",
                "'imap': {'host':'a.example','port':993,'tls':'ssl'}           | #/imap/tls",
                "'imap': {'host':'a.example','port':993,'tls':'tls','x':1}     | #/imap/x",
                "'imap': 'imap.example.com'                                    | #/imap",
                "'status': 'deleted'                                           | #/status",
                "'allowDuplicate': 'yes'                                       | #/allowDuplicate",
            })
    void an_invalid_property_is_refused_with_a_pointer(String change, String pointer) {
        // Given
        com.fasterxml.jackson.databind.node.ObjectNode request =
                json(RequestExamples.ACCOUNT).deepCopy();
        request.setAll((com.fasterxml.jackson.databind.node.ObjectNode) json("{" + change.replace('\'', '"') + "}"));

        // Then
        assertThat(violations(() -> AccountRequest.create(request)))
                .extracting(Violation::pointer)
                .containsExactly(pointer);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://jmap.example.com:99999/",
                "https://jmap.example.com:0/",
                "ftp://jmap.example.com/",
                "https://alice@jmap.example.com/",
                "https:///jmap"
            })
    void a_session_url_that_can_not_be_reached_is_refused(String url) {
        JsonNode request = json("""
                {"protocol": "jmap", "email": "alice@example.com", "password": "x", "jmap": {"sessionUrl": "%s"}}""".formatted(url));

        assertThat(violations(() -> AccountRequest.create(request)))
                .extracting(Violation::pointer)
                .containsExactly("#/jmap/sessionUrl");
    }

    @Test
    void missing_servers_are_reported() {
        assertThat(violations(() -> AccountRequest.create(
                        json("{\"protocol\": \"imap\", \"email\": \"a@example.com\", \"password\": \"x\"}"))))
                .extracting(Violation::pointer)
                .containsExactly("#/imap");
    }

    @Test
    void a_patch_changes_only_what_it_names() {
        // When
        AccountRequest changed = AccountRequest.change(
                "alice@example.com",
                SETTINGS,
                AccountRecord.Status.PAUSED,
                json("{\"imap\": {\"port\": 143, \"tls\": \"starttls\"}, \"smtp\": null}"));

        // Then
        assertThat(changed.settings())
                .isEqualTo(new AccountSettings.Imap(
                        "alice", new ServerAddress("imap.example.com", 143, TlsMode.STARTTLS), Optional.empty()));
        assertThat(changed.status()).isEqualTo(AccountRecord.Status.PAUSED);
        assertThat(changed.credential()).isEmpty();
    }

    @Test
    void address_and_protocol_can_not_be_changed() {
        assertThat(violations(() -> AccountRequest.change(
                        "alice@example.com",
                        SETTINGS,
                        AccountRecord.Status.ACTIVE,
                        json("{\"email\": \"bob@example.com\", \"protocol\": \"jmap\"}"))))
                .extracting(Violation::pointer)
                .containsExactly("#/email", "#/protocol");
    }

    @Test
    void all_hosts_are_listed() {
        assertThat(AccountRequest.create(json(RequestExamples.ACCOUNT)).hosts())
                .extracting(NamedHost::host)
                .containsExactly("imap.example.com", "smtp.example.com");
    }

    private static List<Violation> violations(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return catchThrowableOfType(ProblemException.class, call)
                .problem()
                .errors()
                .orElseThrow();
    }

    private static JsonNode json(String text) {
        return EventCodec.decode(text, JsonNode.class);
    }
}
