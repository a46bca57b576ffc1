package org.postbus.devstack.kafka;

import java.util.Map;

/**
 * A further listener of the broker on loopback, for tests of how clients log in.
 *
 * @param name in letters
 * @param protocol as Kafka names it, such as {@code SASL_SSL}
 * @param advertisedPort where clients connect to: another one if they come by way of a proxy
 * @param properties of this listener, without {@code listener.name.NAME.}
 */
public record Listener(String name, String protocol, int port, int advertisedPort, Map<String, String> properties) {
    public Listener {
        properties = Map.copyOf(properties);
    }

    public Listener(String name, String protocol, int port, Map<String, String> properties) {
        this(name, protocol, port, port, properties);
    }
}
