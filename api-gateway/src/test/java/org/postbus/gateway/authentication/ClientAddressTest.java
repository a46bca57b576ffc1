package org.postbus.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.network.IpAddress;
import org.postbus.network.IpNetwork;

class ClientAddressTest {
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
                        address(peer),
                        forwarded.isEmpty() ? List.of() : List.of(forwarded),
                        List.of(IpNetwork.parse("10.0.0.0/24"))))
                .isEqualTo(address(client));
    }

    private static InetAddress address(String text) {
        return IpAddress.parse(text).orElseThrow();
    }
}
