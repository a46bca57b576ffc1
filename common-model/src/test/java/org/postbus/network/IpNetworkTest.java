package org.postbus.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpNetworkTest {
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
        assertThat(IpNetwork.parseLenient(network)
                        .contains(IpAddress.parse(address).orElseThrow()))
                .isEqualTo(contained);
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
                "999.1.1.1",
                "192.0.2.0/33",
                "192.0.2.0/-1",
                "192.0.2.0/",
                "192.0.2.0/1x",
                "2001:db8::/129",
                "fe80::1%lo",
                "a:b"
            })
    void everything_else_is_refused(String text) {
        assertThatThrownBy(() -> IpNetwork.parseLenient(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void a_network_contains_its_parts() {
        assertThat(IpNetwork.parseLenient("10.0.0.0/8").contains(IpNetwork.parseLenient("10.9.0.0/16")))
                .isTrue();
        assertThat(IpNetwork.parseLenient("10.0.0.0/8").contains(IpNetwork.parseLenient("10.0.0.0/8")))
                .isTrue();
        assertThat(IpNetwork.parseLenient("10.9.0.0/16").contains(IpNetwork.parseLenient("10.0.0.0/8")))
                .isFalse();
        assertThat(IpNetwork.parseLenient("10.0.0.0/8").contains(IpNetwork.parseLenient("11.0.0.0/16")))
                .isFalse();
    }
}
