package org.postbus.account;

import java.util.Objects;

/** Host, port and protection of a server. */
public record ServerAddress(String host, int port, TlsMode tls) {
    public ServerAddress {
        Objects.requireNonNull(tls);
        if (host.isBlank() || host.length() > 253) {
            throw new IllegalArgumentException("host must have 1 to 253 characters");
        }
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("port must be between 1 and 65535: " + port);
        }
    }
}
