package org.postbus.gateway.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;

/** What an operator sets. Each name is also an environment variable, such as {@code POSTBUS_PRIVATE_HOSTS}. */
@ConfigMapping(prefix = "postbus")
public interface GatewayConfig {
    /** The file of the Tink keyset that encrypts credentials. */
    Path keyset();

    /** Whether accounts may name servers in private networks and on this machine. */
    @WithDefault("refused")
    PrivateHosts privateHosts();

    enum PrivateHosts {
        ALLOWED,
        REFUSED
    }
}
