package org.postbus.gateway.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.audit.Actor;
import org.postbus.gateway.authentication.Identity;
import org.postbus.gateway.authentication.Scope;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.model.TenantId;
import org.postbus.network.IpNetwork;

class KeyRequestTest {
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

    @Test
    void a_complete_request_is_read() {
        KeyRequest request = KeyRequest.read(json("""
                {"name": "n", "scopes": ["send", "read"], "allowedAddresses": ["192.0.2.0/24", "2001:db8::1"],
                 "expiresAt": "2026-03-01T12:00:01Z"}"""), NOW);

        assertThat(request)
                .isEqualTo(new KeyRequest(
                        "n",
                        Set.of(Scope.READ, Scope.SEND),
                        List.of(IpNetwork.parseLenient("192.0.2.0/24"), IpNetwork.parseLenient("2001:db8::1/128")),
                        Optional.of(NOW.plusSeconds(1))));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{}; #/name #/scopes",
                "{'name': 'n\\u001b[2J', 'scopes': ['read']}; #/name",
                "{'name': 'n', 'scopes': []}; #/scopes",
                "{'name': 'n', 'scopes': ['all']}; #/scopes",
                "{'name': 'n', 'scopes': 'read'}; #/scopes",
                "{'name': 'n', 'scopes': ['read'], 'expiresAt': '2026-03-01T12:00:00Z'}; #/expiresAt",
                "{'name': 'n', 'scopes': ['read'], 'expiresAt': 5}; #/expiresAt",
                "{'name': 'n', 'scopes': ['read'], 'allowedAddresses': ['example.com']}; #/allowedAddresses",
                "{'name': 'n', 'scopes': ['read'], 'tenant': 'other'}; #/tenant",
            })
    void what_is_not_valid_is_named(String text, String pointers) {
        assertThatThrownBy(() -> KeyRequest.read(json(text.replace('\'', '"')), NOW))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().errors().orElseThrow())
                                .extracting(violation -> violation.pointer())
                                .containsExactly(pointers.split(" ")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                // caller's scopes; its addresses; wanted scopes; wanted addresses; allowed
                "read admin; ''; read; ''; true",
                "read admin; ''; read; 192.0.2.1; true",
                "read admin; ''; read send; ''; false",
                "admin; ''; read; ''; false",
                "read admin; 192.0.2.0/24; read; 192.0.2.7; true",
                "read admin; 192.0.2.0/24; read; 192.0.2.0/25 192.0.2.128/25; true",
                "read admin; 192.0.2.0/24; read; 192.0.2.7 198.51.100.1; false",
                "read admin; 192.0.2.0/24; read; 192.0.0.0/16; false",
                // No list would mean every address.
                "read admin; 192.0.2.0/24; read; ''; false",
            })
    void a_key_makes_no_key_that_allows_more(
            String ownScopes, String ownAddresses, String scopes, String addresses, boolean allowed) {
        Identity caller = new Identity(
                new Actor.Key(new UUID(0, 1)),
                Optional.of(new TenantId(new UUID(0, 2))),
                scopes(ownScopes),
                networks(ownAddresses),
                Optional.empty());
        KeyRequest request = new KeyRequest("n", scopes(scopes), networks(addresses), Optional.empty());

        if (allowed) {
            request.requireWithin(caller);
        } else {
            assertThatThrownBy(() -> request.requireWithin(caller))
                    .isInstanceOfSatisfying(
                            ProblemException.class,
                            e -> assertThat(e.problem().status()).isEqualTo(403));
        }
    }

    @Test
    void the_grace_period_is_a_day_unless_given_and_has_a_limit() {
        assertThat(KeyRequest.grace(json("{}"))).isEqualTo(Duration.ofDays(1));
        assertThat(KeyRequest.grace(json("{\"graceSeconds\": 0}"))).isEqualTo(Duration.ZERO);
        for (String bad : List.of("-1", "2592001", "1.5", "\"1\"", "99999999999999999999", "null")) {
            assertThatThrownBy(() -> KeyRequest.grace(json("{\"graceSeconds\": " + bad + "}")))
                    .as(bad)
                    .isInstanceOf(ProblemException.class);
        }
    }

    private static Set<Scope> scopes(String text) {
        return Arrays.stream(text.split(" ")).map(Scope::of).collect(Collectors.toSet());
    }

    private static List<IpNetwork> networks(String text) {
        return text.isEmpty()
                ? List.of()
                : Arrays.stream(text.split(" ")).map(IpNetwork::parseLenient).toList();
    }

    private static JsonNode json(String text) {
        return EventCodec.decode(text, JsonNode.class);
    }
}
