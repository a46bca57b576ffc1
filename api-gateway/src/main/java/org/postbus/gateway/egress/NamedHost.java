package org.postbus.gateway.egress;

import java.util.List;
import java.util.Objects;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;

/**
 * A server that a request names.
 *
 * @param host a name or an address, with or without brackets
 * @param plain whether there is no TLS on the connection
 * @param at the names of the properties that lead to it in the request
 */
public record NamedHost(String host, int port, boolean plain, At at) {
    public NamedHost {
        Objects.requireNonNull(host);
        Objects.requireNonNull(at);
    }

    /** Where the request names a server. */
    public sealed interface At {
        /** An object with the properties {@code host}, {@code port} and {@code tls}. */
        record Address(String property) implements At {}

        /** A URL or a name. */
        record Text(List<String> path) implements At {
            public Text {
                path = List.copyOf(path);
            }
        }
    }

    public static NamedHost of(ServerAddress address, String property) {
        return new NamedHost(address.host(), address.port(), address.tls() == TlsMode.NONE, new At.Address(property));
    }
}
