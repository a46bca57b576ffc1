package org.postbus.devstack.kafka;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.TopicConfig;
import org.postbus.devstack.process.ChildProcess;
import org.postbus.devstack.process.ChildReaper;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.FreePort;
import org.postbus.devstack.process.ProjectRoot;
import org.postbus.topic.Topics;

/** A Kafka broker (KRaft, combined with its controller) on loopback in a JVM of its own, with Postbus's topics. */
public final class Kafka implements AutoCloseable {
    private static final Duration START_WAIT = Duration.ofMinutes(3);
    private static final Duration TOPICS_WAIT = Duration.ofSeconds(120);
    private static final String HOST = "127.0.0.1";

    private final ChildProcess broker;
    private final int port;
    private final Optional<Path> temporary;

    private Kafka(ChildProcess broker, int port, Optional<Path> temporary) {
        this.broker = broker;
        this.port = port;
        this.temporary = temporary;
    }

    /**
     * @param directory for the log segments and the cluster id; empty: a temporary one, deleted at the end
     * @param port empty: a free one
     * @param partitions of each topic that has to be created
     * @param log receives the broker's output
     */
    public record Settings(Optional<Path> directory, Optional<Integer> port, int partitions, Path log) {
        /** For tests and demonstrations. */
        public static Settings temporary(int partitions, Path log) {
            return new Settings(Optional.empty(), Optional.empty(), partitions, log);
        }
    }

    /** Starts the broker and creates the topics that are missing. */
    public static Kafka start(Settings settings) {
        String classPath = ProjectRoot.classPathOf("dev-stack/kafka");
        try {
            Path directory = settings.directory().isPresent()
                    ? Files.createDirectories(settings.directory().get()).toAbsolutePath()
                    : Files.createTempDirectory("postbus-kafka-");
            Optional<Path> temporary = settings.directory().isPresent() ? Optional.empty() : Optional.of(directory);
            temporary.ifPresent(ChildReaper::removeAtEnd);
            int port = settings.port().orElseGet(FreePort::find);
            Path properties = directory.resolve("server.properties");
            Files.writeString(properties, properties(directory.resolve("log"), port, FreePort.find()));
            if (!Files.exists(directory.resolve("log/meta.properties"))) {
                format(classPath, directory, properties, settings.log());
            }
            ChildProcess broker = ChildProcess.start(
                    "kafka",
                    ChildProcess.java(
                            "512m",
                            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                            "-Dorg.slf4j.simpleLogger.showDateTime=true",
                            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
                            "-cp",
                            classPath,
                            "kafka.Kafka",
                            properties.toString()),
                    Map.of(),
                    directory,
                    settings.log());
            Kafka kafka = new Kafka(broker, port, temporary);
            broker.awaitReady(START_WAIT, () -> {
                try (Socket socket = new Socket(InetAddress.getByName(HOST), port)) {
                    return socket.isConnected();
                }
            });
            kafka.createTopics(settings.partitions());
            return kafka;
        } catch (IOException e) {
            throw new UncheckedIOException("Kafka did not start", e);
        }
    }

    /** {@code host:port}: the value of a service's {@code POSTBUS_KAFKA}. */
    public String bootstrap() {
        return HOST + ":" + port;
    }

    public long pid() {
        return broker.pid();
    }

    @Override
    public void close() {
        broker.close();
        temporary.ifPresent(Directories::delete);
    }

    public ChildProcess process() {
        return broker;
    }

    private void createTopics(int partitions) {
        try (Admin admin = admin()) {
            Set<String> existing = await(admin.listTopics().names());
            await(admin.createTopics(topics(partitions)
                            .filter(topic -> !existing.contains(topic.name()))
                            .toList())
                    .all());
        }
    }

    private Admin admin() {
        return Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap()));
    }

    /** deploy/topics.sh creates the same topics in a real cluster. */
    private static Stream<NewTopic> topics(int partitions) {
        short replicas = 1;
        Map<String, String> newestPerKey = Map.of(
                TopicConfig.CLEANUP_POLICY_CONFIG,
                TopicConfig.CLEANUP_POLICY_COMPACT,
                TopicConfig.SEGMENT_MS_CONFIG,
                days(1),
                TopicConfig.MIN_CLEANABLE_DIRTY_RATIO_CONFIG,
                "0.1");
        return Stream.of(
                new NewTopic(Topics.ACCOUNTS, partitions, replicas).configs(newestPerKey),
                new NewTopic(Topics.OBSERVATIONS, partitions, replicas).configs(retention(7)),
                new NewTopic(Topics.CHANGES, partitions, replicas).configs(retention(7)),
                new NewTopic(Topics.MUTATIONS, partitions, replicas).configs(retention(1)),
                new NewTopic(Topics.SYNC_REQUESTS, partitions, replicas)
                        .configs(Map.of(
                                TopicConfig.RETENTION_MS_CONFIG,
                                Long.toString(Duration.ofHours(1).toMillis()))),
                new NewTopic(Topics.DEAD_LETTERS, partitions, replicas).configs(retention(30)));
    }

    private static Map<String, String> retention(int days) {
        return Map.of(TopicConfig.RETENTION_MS_CONFIG, days(days));
    }

    private static String days(int days) {
        return Long.toString(Duration.ofDays(days).toMillis());
    }

    private static <T> T await(org.apache.kafka.common.KafkaFuture<T> future) {
        try {
            return future.get(TOPICS_WAIT.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for Kafka", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("Kafka did not create the topics", e);
        }
    }

    private static void format(String classPath, Path directory, Path properties, Path log) {
        ChildProcess.start(
                        "kafka-format",
                        ChildProcess.java(
                                "128m",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                classPath,
                                "kafka.tools.StorageTool",
                                "format",
                                "--cluster-id",
                                org.apache.kafka.common.Uuid.randomUuid().toString(),
                                "--config",
                                properties.toString()),
                        Map.of(),
                        directory,
                        log)
                .awaitSuccess(START_WAIT);
    }

    /** The settings that differ from the defaults: one node, small and quick to start. */
    private static String properties(Path log, int port, int controllerPort) {
        return String.join(
                "\n",
                List.of(
                        "process.roles=broker,controller",
                        "node.id=1",
                        "controller.quorum.voters=1@" + HOST + ":" + controllerPort,
                        "controller.listener.names=CONTROLLER",
                        "listeners=PLAINTEXT://" + HOST + ":" + port + ",CONTROLLER://" + HOST + ":" + controllerPort,
                        "advertised.listeners=PLAINTEXT://" + HOST + ":" + port,
                        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                        "inter.broker.listener.name=PLAINTEXT",
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
}
