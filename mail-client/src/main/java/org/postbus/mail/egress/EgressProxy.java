package org.postbus.mail.egress;

import java.net.URI;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.postbus.account.Secret;

/**
 * A proxy for connections to public addresses. It is given the address that was checked, never a name.
 *
 * @param host a name or an address; it is the operator's, and may be private
 */
public record EgressProxy(Kind kind, String host, int port, Optional<Login> login) {
    /** HTTP CONNECT (RFC 9110 section 9.3.6), or SOCKS5 (RFC 1928, 1929). */
    public enum Kind {
        HTTP_CONNECT,
        SOCKS5
    }

    public record Login(String username, Secret password) {
        public Login {
            Objects.requireNonNull(username);
            Objects.requireNonNull(password);
        }
    }

    public EgressProxy {
        Objects.requireNonNull(kind);
        Objects.requireNonNull(login);
        if (HostName.parse(host).isEmpty() || port < 1 || port > 65535) {
            throw new IllegalArgumentException("not the host and port of a proxy");
        }
    }

    /**
     * @param url {@code http://host:port} or {@code socks5://host:port}
     * @throws IllegalArgumentException if it is something else; the text does not repeat it, because it may hold a password
     */
    public static EgressProxy parse(String url, Optional<Login> login) {
        URI uri;
        try {
            uri = URI.create(url);
        } catch (IllegalArgumentException e) {
            throw malformed();
        }
        boolean more = uri.getRawUserInfo() != null
                || uri.getRawQuery() != null
                || uri.getRawPath() != null
                        && !uri.getRawPath().isEmpty()
                        && !uri.getRawPath().equals("/");
        if (uri.getScheme() == null || uri.getHost() == null || uri.getPort() < 1 || more) {
            throw malformed();
        }
        Kind kind =
                switch (uri.getScheme().toLowerCase(Locale.ROOT)) {
                    case "http" -> Kind.HTTP_CONNECT;
                    case "socks5" -> Kind.SOCKS5;
                    default -> throw malformed();
                };
        return new EgressProxy(kind, uri.getHost(), uri.getPort(), login);
    }

    private static IllegalArgumentException malformed() {
        return new IllegalArgumentException(
                "a proxy is http://host:port or socks5://host:port, without a path and without a login");
    }
}
