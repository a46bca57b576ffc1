package org.postbus.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NetworkTest {
    @ParameterizedTest
    @CsvSource({
        "192.0.2.0/24,    192.0.2.255, true",
        "192.0.2.77/24,   192.0.2.1,   true",
        "192.0.2.0/24,    192.0.3.0,   false",
        "192.0.2.128/25,  192.0.2.127, false",
        "192.0.2.9,       192.0.2.9,   true",
        "192.0.2.9,       192.0.2.8,   false",
        "0.0.0.0/0,       203.0.113.1, true",
        "0.0.0.0/0,       2001:db8::1, false",
        "2001:db8::/33,   2001:db8:7fff::1, true",
        "2001:db8::/33,   2001:db8:8000::1, false",
        "2001:db8::5,     2001:db8::5, true",
    })
    void contains_the_addresses_with_its_prefix(String network, String address, boolean contained) {
        assertThat(Network.parse(network).contains(Network.address(address))).isEqualTo(contained);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "example.com",
                "localhost",
                "1",
                "192.0.2",
                "192.0.2.256",
                "192.0.2.0/33",
                "192.0.2.0/-1",
                "192.0.2.0/",
                "192.0.2.0/1x",
                "2001:db8::/129",
                "fe80::1%lo",
                "a:b"
            })
    void everything_else_is_refused(String text) {
        assertThatThrownBy(() -> Network.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void a_network_contains_its_parts() {
        assertThat(Network.parse("10.0.0.0/8").contains(Network.parse("10.9.0.0/16")))
                .isTrue();
        assertThat(Network.parse("10.0.0.0/8").contains(Network.parse("10.0.0.0/8")))
                .isTrue();
        assertThat(Network.parse("10.9.0.0/16").contains(Network.parse("10.0.0.0/8")))
                .isFalse();
        assertThat(Network.parse("10.0.0.0/8").contains(Network.parse("11.0.0.0/16")))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        // peer, forwarded for, client
        "203.0.113.5, '',                                  203.0.113.5",
        // Not a trusted proxy: what it sends is not believed.
        "203.0.113.5, '198.51.100.1',                      203.0.113.5",
        "10.0.0.1,    '198.51.100.1',                      198.51.100.1",
        // The client writes the first entries.
        "10.0.0.1,    '192.0.2.66, 198.51.100.1',          198.51.100.1",
        "10.0.0.1,    '192.0.2.66, 198.51.100.1, 10.0.0.2', 198.51.100.1",
        "10.0.0.1,    'nonsense',                          10.0.0.1",
        "10.0.0.1,    '198.51.100.1, nonsense',            10.0.0.1",
        "10.0.0.1,    '',                                  10.0.0.1",
    })
    void the_client_is_the_last_address_that_no_trusted_proxy_has(String peer, String forwarded, String client) {
        assertThat(ClientAddress.of(
                        Network.address(peer),
                        forwarded.isEmpty() ? List.of() : List.of(forwarded),
                        List.of(Network.parse("10.0.0.0/24"))))
                .isEqualTo(Network.address(client));
    }
}
