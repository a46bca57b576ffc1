package org.postbus.devstack.kafka;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.postbus.account.Secret;

/** The settings of the broker that differ from the defaults: one node, small and quick to start, closed to strangers. */
final class BrokerProperties {
    /** The broker's own user, which may do everything. */
    static final String ADMIN = "postbus-admin";

    private BrokerProperties() {}

    static String of(Path log, String host, int port, int controllerPort, Secret adminPassword, List<Listener> more) {
        String plain = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"" + ADMIN
                + "\" password=\"" + adminPassword.reveal() + "\" user_" + ADMIN + "=\"" + adminPassword.reveal()
                + "\";";
        return String.join(
                "\n",
                List.of(
                        "process.roles=broker,controller",
                        "node.id=1",
                        "controller.quorum.voters=1@" + host + ":" + controllerPort,
                        "controller.listener.names=CONTROLLER",
                        "listeners=CLIENT://" + host + ":" + port + ",CONTROLLER://" + host + ":" + controllerPort
                                + each(more, listener -> address(listener, host, listener.port())),
                        "advertised.listeners=CLIENT://" + host + ":" + port
                                + each(more, listener -> address(listener, host, listener.advertisedPort())),
                        "listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT"
                                + each(more, listener -> listener.name() + ":" + listener.protocol()),
                        properties(more),
                        "inter.broker.listener.name=CLIENT",
                        // SCRAM's verifiers are in the metadata, which the broker and its administrator need before
                        // there are any: they use PLAIN, over loopback.
                        "sasl.mechanism.inter.broker.protocol=PLAIN",
                        "sasl.mechanism.controller.protocol=PLAIN",
                        "listener.name.client.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN",
                        "listener.name.client.scram-sha-512.sasl.jaas.config="
                                + "org.apache.kafka.common.security.scram.ScramLoginModule required;",
                        "listener.name.client.plain.sasl.jaas.config=" + plain,
                        "listener.name.controller.sasl.enabled.mechanisms=PLAIN",
                        "listener.name.controller.plain.sasl.jaas.config=" + plain,
                        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                        "allow.everyone.if.no.acl.found=false",
                        "super.users=User:" + ADMIN,
                        "log.dirs=" + log,
                        "auto.create.topics.enable=false",
                        "offsets.topic.num.partitions=4",
                        "offsets.topic.replication.factor=1",
                        "transaction.state.log.num.partitions=1",
                        "transaction.state.log.replication.factor=1",
                        "transaction.state.log.min.isr=1",
                        "share.coordinator.state.topic.replication.factor=1",
                        "share.coordinator.state.topic.min.isr=1",
                        // The first member of a group does not wait for others: on one machine there may be none.
                        "group.initial.rebalance.delay.ms=0",
                        // There are hundreds of partitions, each with two index files that are mapped at their full
                        // size.
                        "log.index.size.max.bytes=1048576",
                        "log.cleaner.dedupe.buffer.size=16777216",
                        "num.network.threads=2",
                        "num.io.threads=4",
                        "initial.broker.registration.timeout.ms=60000",
                        ""));
    }

    private static String each(List<Listener> listeners, Function<Listener, String> text) {
        return listeners.stream().map(text).map(item -> "," + item).collect(Collectors.joining());
    }

    private static String address(Listener listener, String host, int port) {
        return listener.name() + "://" + host + ":" + port;
    }

    private static String properties(List<Listener> listeners) {
        return listeners.stream()
                .flatMap(listener -> listener.properties().entrySet().stream()
                        .map(property -> "listener.name." + listener.name().toLowerCase(Locale.ROOT) + "."
                                + property.getKey() + "=" + property.getValue()))
                .collect(Collectors.joining("\n"));
    }
}
