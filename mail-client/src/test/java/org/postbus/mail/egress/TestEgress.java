package org.postbus.mail.egress;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.network.IpNetwork;

/** Connectors for tests, whose servers are on this machine and listen on 127.0.0.1. */
public final class TestEgress {
    private TestEgress() {}

    /** Reaches every port of this machine, also without TLS. Knows one name, {@code localhost}. */
    public static EgressConnector toThisMachine(Vertx vertx) {
        return toThisMachine(vertx, Map.of("localhost", List.of("127.0.0.1")));
    }

    /** @param names the addresses of each name */
    public static EgressConnector toThisMachine(Vertx vertx, Map<String, List<String>> names) {
        return new EgressConnector(
                vertx,
                anyPortOf("127.0.0.0/8,::1"),
                name -> Future.succeededFuture(names.getOrDefault(name, List.of()).stream()
                        .map(TestEgress::address)
                        .toList()));
    }

    /** Allows these private networks, also without TLS. */
    static EgressPolicy anyPortOf(String networks) {
        return new EgressPolicy(
                IpNetwork.parseAll(networks),
                PortRange.parseAll("1-65535"),
                EgressPolicy.PlainText.PRIVATE_NETWORKS,
                Optional.empty());
    }

    /** @param literal an address in its usual form */
    static InetAddress address(String literal) {
        try {
            return InetAddress.getByName(literal);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
