package org.postbus.gateway.config;

import io.smallrye.config.ConfigMapping;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What an operator sets. Each name is also an environment variable, such as {@code POSTBUS_OPERATOR_KEY_FILE}. */
@ConfigMapping(prefix = "postbus")
public interface GatewayConfig {
    /** A file with the operator's key, which the gateway registers at its start. */
    Optional<Path> operatorKeyFile();

    /** Proxies whose header X-Forwarded-For is believed: addresses and ranges in CIDR notation. Without them the peer is the client. */
    Optional<List<String>> trustedProxies();
}
