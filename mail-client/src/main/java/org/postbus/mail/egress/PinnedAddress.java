package org.postbus.mail.egress;

import io.vertx.core.net.impl.SocketAddressImpl;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/**
 * An address that was checked, and the name that led to it. Vert.x connects to the address and does not resolve the name; TLS asks for the name and
 * verifies it, also after STARTTLS. A proxy is given the address, because the {@link InetAddress} knows no name.
 */
final class PinnedAddress extends SocketAddressImpl {
    private final String name;

    PinnedAddress(String name, InetAddress address, int port) {
        super(new InetSocketAddress(nameless(address), port));
        this.name = name;
    }

    private static InetAddress nameless(InetAddress address) {
        try {
            return InetAddress.getByAddress(address.getAddress());
        } catch (UnknownHostException wrongLength) {
            throw new IllegalStateException(wrongLength);
        }
    }

    @Override
    public String host() {
        return name;
    }

    /** Equal are only the same name and address: connections in a pool must not change one for the other. */
    @Override
    public boolean equals(Object other) {
        return super.equals(other) && name.equals(((PinnedAddress) other).name);
    }

    @Override
    public int hashCode() {
        return 31 * super.hashCode() + name.hashCode();
    }

    /** Without the address, which error texts must not show. */
    @Override
    public String toString() {
        return name + ":" + port();
    }
}
