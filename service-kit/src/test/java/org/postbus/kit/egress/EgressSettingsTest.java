package org.postbus.kit.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.account.Secret;
import org.postbus.kit.settings.Settings;
import org.postbus.mail.egress.EgressPolicy;
import org.postbus.mail.egress.EgressProxy;
import org.postbus.mail.egress.PortRange;
import org.postbus.network.IpNetwork;

class EgressSettingsTest {
    private static EgressPolicy policy(Map<String, String> values) {
        return EgressSettings.policy(Settings.of(name -> Optional.ofNullable(values.get(name))));
    }

    @Test
    void without_settings_only_public_servers_with_tls_are_reached() {
        assertThat(policy(Map.of())).isEqualTo(EgressPolicy.PUBLIC_ONLY);
        assertThat(policy(Map.of("postbus.egress.private-networks", "", "postbus.egress.ports", " ")))
                .isEqualTo(EgressPolicy.PUBLIC_ONLY);
    }

    @Test
    void every_setting_is_read() {
        EgressPolicy policy = policy(Map.of(
                "postbus.egress.private-networks", "10.0.0.0/8, fd00::/8",
                "postbus.egress.ports", "993, 8000-8999",
                "postbus.egress.plain-text", "private-networks",
                "postbus.egress.proxy", "socks5://proxy.internal:1080",
                "postbus.egress.proxy-username", "postbus",
                "postbus.egress.proxy-password", "hidden"));

        assertThat(policy)
                .isEqualTo(new EgressPolicy(
                        IpNetwork.parseAll("10.0.0.0/8,fd00::/8"),
                        PortRange.parseAll("993,8000-8999"),
                        EgressPolicy.PlainText.PRIVATE_NETWORKS,
                        Optional.of(new EgressProxy(
                                EgressProxy.Kind.SOCKS5,
                                "proxy.internal",
                                1080,
                                Optional.of(new EgressProxy.Login("postbus", new Secret("hidden")))))));
        assertThat(policy.toString()).doesNotContain("hidden");
    }

    @ParameterizedTest
    @CsvSource({
        "private-networks, 10.0.0.0/99,             POSTBUS_EGRESS_PRIVATE_NETWORKS",
        "private-networks, mail.example.com,        POSTBUS_EGRESS_PRIVATE_NETWORKS",
        "ports,            99999,                   POSTBUS_EGRESS_PORTS",
        "plain-text,       yes,                     POSTBUS_EGRESS_PLAIN_TEXT",
        "proxy,            proxy:3128,              POSTBUS_EGRESS_PROXY",
        "proxy,            http://u:hidden@proxy:1, POSTBUS_EGRESS_PROXY",
        "proxy-username,   postbus,                 POSTBUS_EGRESS_PROXY_USERNAME",
        "proxy-password,   hidden,                  POSTBUS_EGRESS_PROXY_PASSWORD",
    })
    void a_wrong_setting_is_named_and_no_secret_is_shown(String name, String value, String variable) {
        assertThatThrownBy(() -> policy(Map.of("postbus.egress." + name, value)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(variable)
                .hasMessageNotContaining("hidden");
    }
}
