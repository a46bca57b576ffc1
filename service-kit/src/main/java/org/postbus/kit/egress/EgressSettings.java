package org.postbus.kit.egress;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.postbus.account.Secret;
import org.postbus.kit.settings.Settings;
import org.postbus.mail.egress.EgressPolicy;
import org.postbus.mail.egress.EgressProxy;
import org.postbus.mail.egress.PortRange;
import org.postbus.network.IpNetwork;

/**
 * Where this process may connect to for tenants.
 *
 * <table>
 *   <caption>Environment variables</caption>
 *   <tr><td>{@code POSTBUS_EGRESS_PRIVATE_NETWORKS}<td>allowed networks that are not on the public Internet, such as {@code 10.1.0.0/16,fd00::/8};
 *       default none
 *   <tr><td>{@code POSTBUS_EGRESS_PORTS}<td>allowed ports, such as {@code 993,8000-8999}
 *   <tr><td>{@code POSTBUS_EGRESS_PLAIN_TEXT}<td>{@code refused} (default), or {@code private-networks}
 *   <tr><td>{@code POSTBUS_EGRESS_PROXY}<td>{@code http://host:port} or {@code socks5://host:port}
 *   <tr><td>{@code POSTBUS_EGRESS_PROXY_USERNAME}, {@code POSTBUS_EGRESS_PROXY_PASSWORD}, {@code POSTBUS_EGRESS_PROXY_PASSWORD_FILE}<td>its login
 * </table>
 */
public final class EgressSettings {
    private EgressSettings() {}

    /** @throws IllegalArgumentException if one is malformed or contradicts another; names the environment variable */
    public static EgressPolicy policy(Settings settings) {
        return new EgressPolicy(
                parsed(settings, "postbus.egress.private-networks", IpNetwork::parseAll)
                        .orElse(List.of()),
                parsed(settings, "postbus.egress.ports", PortRange::parseAll)
                        .orElseGet(() -> PortRange.parseAll(EgressPolicy.PORTS_DEFAULT)),
                parsed(settings, "postbus.egress.plain-text", EgressSettings::plainText)
                        .orElse(EgressPolicy.PlainText.REFUSED),
                proxy(settings));
    }

    private static EgressPolicy.PlainText plainText(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "refused" -> EgressPolicy.PlainText.REFUSED;
            case "private-networks" -> EgressPolicy.PlainText.PRIVATE_NETWORKS;
            default -> throw new IllegalArgumentException("refused or private-networks");
        };
    }

    private static Optional<EgressProxy> proxy(Settings settings) {
        Optional<String> username = settings.find("postbus.egress.proxy-username");
        Optional<Secret> password = settings.secret("postbus.egress.proxy-password");
        Optional<EgressProxy> proxy = parsed(
                settings,
                "postbus.egress.proxy",
                url -> EgressProxy.parse(
                        url, username.flatMap(name -> password.map(secret -> new EgressProxy.Login(name, secret)))));
        if (username.isPresent() != password.isPresent() || username.isPresent() && proxy.isEmpty()) {
            throw new IllegalArgumentException(
                    "POSTBUS_EGRESS_PROXY_USERNAME and POSTBUS_EGRESS_PROXY_PASSWORD need each other and POSTBUS_EGRESS_PROXY");
        }
        return proxy;
    }

    private static <T> Optional<T> parsed(Settings settings, String name, Function<String, T> parse) {
        return settings.find(name).map(text -> {
            try {
                return parse.apply(text);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(Settings.variable(name) + ": " + e.getMessage(), e);
            }
        });
    }
}
