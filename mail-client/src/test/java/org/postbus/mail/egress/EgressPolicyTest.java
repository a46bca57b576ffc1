package org.postbus.mail.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.postbus.mail.egress.EgressRefusal.ADDRESS;
import static org.postbus.mail.egress.EgressRefusal.PLAIN_TEXT;
import static org.postbus.mail.egress.EgressRefusal.PLAIN_TEXT_TO_PUBLIC;
import static org.postbus.mail.egress.EgressRefusal.PORT;
import static org.postbus.mail.egress.TestEgress.address;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.account.Secret;
import org.postbus.network.IpNetwork;

class EgressPolicyTest {
    private static final EgressProxy PROXY = EgressProxy.parse("socks5://10.0.0.9:1080", Optional.empty());

    private static EgressPolicy allowing(String networks) {
        return new EgressPolicy(
                IpNetwork.parseAll(networks),
                PortRange.parseAll("993,8000-8999"),
                EgressPolicy.PlainText.PRIVATE_NETWORKS,
                Optional.of(PROXY));
    }

    @Test
    void by_default_only_public_addresses_with_tls_on_the_usual_ports_are_allowed() {
        EgressPolicy policy = EgressPolicy.PUBLIC_ONLY;

        for (int port : List.of(143, 993, 465, 587, 443)) {
            assertThat(policy.refusals(address("8.8.8.8"), port, false)).isEmpty();
        }
        assertThat(policy.refusals(address("8.8.8.8"), 22, false)).containsExactly(PORT);
        assertThat(policy.refusals(address("8.8.8.8"), 143, true)).containsExactly(PLAIN_TEXT);
        assertThat(policy.refusals(address("10.0.0.1"), 25, true)).containsExactlyInAnyOrder(ADDRESS, PORT, PLAIN_TEXT);
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8,              10.255.0.1,      true",
        "10.0.0.0/8,              172.16.0.1,      false",
        "10.0.0.0/8,              127.0.0.1,       false",
        "127.0.0.2,               127.0.0.2,       true",
        "127.0.0.2,               127.0.0.1,       false",
        "10.1.2.0/23,             10.1.3.255,      true",
        "10.1.2.0/23,             10.1.4.0,        false",
        "'10.0.0.0/8, fd00::/8',  fd12::1,         true",
        "fd00::/8,                fe80::1,         false",
        // Metadata only if named by itself.
        "169.254.0.0/16,          169.254.1.1,     true",
        "169.254.0.0/16,          169.254.169.254, false",
        "169.254.169.254,         169.254.169.254, true",
        "0.0.0.0/0,               169.254.169.254, false",
        "0.0.0.0/0,               168.63.129.16,   false",
        "fd00::/8,                fd00:ec2::254,   false",
        "fd00:ec2::254,           fd00:ec2::254,   true",
        // Never a host.
        "0.0.0.0/0,               0.0.0.0,         false",
        "0.0.0.0/0,               224.0.0.1,       false",
        "0.0.0.0/0,               255.255.255.255, false",
        "::/0,                    ::,              false",
        "::/0,                    ff02::1,         false",
        // NAT64 leads to the embedded address.
        "64:ff9b::/96,            64:ff9b::8.8.8.8,    true",
        "64:ff9b::/96,            64:ff9b::10.0.0.1,   false",
        "64:ff9b::/96,            64:ff9b::169.254.169.254, false",
        "'64:ff9b::/96,10.0.0.0/8', 64:ff9b::10.0.0.1, true",
        "10.0.0.0/8,              64:ff9b::8.8.8.8,    false",
    })
    void a_private_address_is_allowed_where_its_network_is_named(String networks, String address, boolean allowed) {
        assertThat(allowing(networks).refusals(address(address), 993, false))
                .isEqualTo(allowed ? java.util.Set.of() : java.util.Set.of(ADDRESS));
    }

    @Test
    void plain_text_goes_to_allowed_private_networks_only() {
        EgressPolicy policy = allowing("10.0.0.0/8");

        assertThat(policy.refusals(address("10.0.0.1"), 8143, true)).isEmpty();
        assertThat(policy.refusals(address("8.8.8.8"), 8143, true)).containsExactly(PLAIN_TEXT_TO_PUBLIC);
        assertThat(policy.refusals(address("127.0.0.1"), 8143, true)).containsExactly(ADDRESS);
    }

    @Test
    void the_proxy_carries_connections_to_public_addresses_only() {
        EgressPolicy policy = allowing("10.0.0.0/8");

        assertThat(policy.proxyTo(address("8.8.8.8"))).contains(PROXY);
        assertThat(policy.proxyTo(address("10.0.0.1"))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "10.0.0.1/8",
                "10.0.0.0/33",
                "10/8",
                "2130706433/32",
                "10.0.0.0/",
                "::1/129",
                "net",
                "10.0.0.0/8/8"
            })
    void what_is_no_network_is_refused(String text) {
        assertThatThrownBy(() -> IpNetwork.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "65536", "99999", "20-10", "1-", "-1", "a", "1 2"})
    void what_is_no_port_is_refused(String text) {
        assertThatThrownBy(() -> PortRange.parseAll(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "proxy:3128",
                "https://proxy:3128",
                "http://proxy",
                "http://user:hidden@proxy:3128",
                "http://proxy:3128/hidden",
                "socks5://0x7f.1:1080",
                "socks5://proxy:99999"
            })
    void what_is_no_proxy_is_refused_without_being_repeated(String text) {
        assertThatThrownBy(() -> EgressProxy.parse(text, Optional.empty()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("hidden");
    }

    @Test
    void the_policy_does_not_show_the_password_of_the_proxy() {
        EgressProxy proxy = EgressProxy.parse(
                "http://proxy.example:3128", Optional.of(new EgressProxy.Login("postbus", new Secret("hidden"))));

        assertThat(new EgressPolicy(List.of(), List.of(), EgressPolicy.PlainText.REFUSED, Optional.of(proxy)))
                .asString()
                .contains("proxy.example")
                .doesNotContain("hidden");
    }
}
