package org.postbus.gateway.authentication;

import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import org.postbus.network.IpAddress;
import org.postbus.network.IpNetwork;

/**
 * The address of the client that makes a request: the peer's, or, if the peer is a proxy that the operator trusts, the last address in
 * {@code X-Forwarded-For} that is no such proxy's. What stands before that address was sent by the client, which may write what it likes.
 */
final class ClientAddress {
    private ClientAddress() {}

    /** @param forwardedFor the values of all headers {@code X-Forwarded-For}, in order */
    static InetAddress of(InetAddress peer, List<String> forwardedFor, List<IpNetwork> trustedProxies) {
        List<String> addresses = List.of(String.join(",", forwardedFor).split(","));
        InetAddress client = peer;
        for (int i = addresses.size() - 1; i >= 0 && isIn(trustedProxies, client); i--) {
            Optional<InetAddress> before = IpAddress.parse(addresses.get(i).strip());
            if (before.isEmpty()) {
                return client;
            }
            client = before.get();
        }
        return client;
    }

    private static boolean isIn(List<IpNetwork> networks, InetAddress address) {
        return networks.stream().anyMatch(network -> network.contains(address));
    }
}
