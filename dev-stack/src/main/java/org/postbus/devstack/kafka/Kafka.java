package org.postbus.devstack.kafka;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.postbus.account.Secret;
import org.postbus.devstack.process.ChildProcess;
import org.postbus.devstack.process.ChildReaper;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.FreePort;
import org.postbus.devstack.process.ProjectRoot;
import org.postbus.devstack.process.Secrets;
import org.postbus.setup.kafka.KafkaSetup;
import org.postbus.setup.kafka.KafkaUser;

/**
 * A Kafka broker (KRaft, combined with its controller) on loopback in a JVM of its own, with Postbus's topics. Every client needs a password,
 * because other users may have a shell on this machine, and may do only what {@link KafkaUser} says.
 */
public final class Kafka implements AutoCloseable {
    private static final Duration LOGIN_MAX = Duration.ofMinutes(2);
    private static final Duration LOGIN_RETRY = Duration.ofMillis(200);
    private static final String HOST = "127.0.0.1";

    private final Launch launch;
    private final int port;
    private final Path directory;
    private final Secret adminPassword;
    private final Map<KafkaUser, Secret> passwords;
    private final boolean temporary;
    private volatile ChildProcess broker;

    private Kafka(
            Launch launch,
            ChildProcess broker,
            int port,
            Path directory,
            Secret adminPassword,
            Map<KafkaUser, Secret> passwords,
            boolean temporary) {
        this.launch = launch;
        this.broker = broker;
        this.port = port;
        this.directory = directory;
        this.adminPassword = adminPassword;
        this.passwords = Map.copyOf(passwords);
        this.temporary = temporary;
    }

    /**
     * @param directory for the log segments, the cluster id and the passwords; empty: a temporary one, deleted at the end
     * @param port empty: a free one
     * @param partitions of each topic that has to be created
     * @param log receives the broker's output
     * @param listeners besides the one that all clients of dev-stack use
     * @param options of the broker's JVM
     */
    public record Settings(
            Optional<Path> directory,
            Optional<Integer> port,
            int partitions,
            Path log,
            List<Listener> listeners,
            List<String> options) {
        public Settings {
            listeners = List.copyOf(listeners);
            options = List.copyOf(options);
        }

        public Settings(Optional<Path> directory, Optional<Integer> port, int partitions, Path log) {
            this(directory, port, partitions, log, List.of(), List.of());
        }

        /** For tests and demonstrations. */
        public static Settings temporary(int partitions, Path log) {
            return new Settings(Optional.empty(), Optional.empty(), partitions, log);
        }
    }

    /** Starts the broker, creates the topics that are missing, sets the passwords and the rights of the users. */
    public static Kafka start(Settings settings) {
        String classPath = ProjectRoot.classPathOf("dev-stack/kafka");
        Secrets secrets = new Secrets();
        try {
            Path directory = settings.directory().isPresent()
                    ? Directories.createPrivate(settings.directory().get().toAbsolutePath())
                    : Files.createTempDirectory("postbus-kafka-");
            boolean temporary = settings.directory().isEmpty();
            if (temporary) {
                ChildReaper.removeAtEnd(directory);
            }
            int port = settings.port().orElseGet(FreePort::find);
            Secret adminPassword = secrets.keptIn(directory.resolve("admin-password"));
            Map<KafkaUser, Secret> passwords = new EnumMap<>(KafkaUser.class);
            for (KafkaUser user : KafkaUser.values()) {
                passwords.put(user, secrets.keptIn(passwordFile(directory, user)));
            }
            Path properties = directory.resolve("server.properties");
            // It holds the administrator's password.
            Secrets.writePrivately(
                    properties,
                    BrokerProperties.of(
                            directory.resolve("log"),
                            HOST,
                            port,
                            FreePort.find(),
                            adminPassword,
                            settings.listeners()));
            if (!Files.exists(directory.resolve("log/meta.properties"))) {
                format(classPath, directory, properties, settings.log());
            }
            Launch launch = new Launch(command(settings, classPath, properties), directory, settings.log(), port);
            Kafka kafka = new Kafka(launch, launch.start(), port, directory, adminPassword, passwords, temporary);
            try {
                kafka.prepare(settings.partitions());
            } catch (RuntimeException e) {
                kafka.close();
                throw e;
            }
            return kafka;
        } catch (IOException e) {
            throw new UncheckedIOException("Kafka did not start", e);
        }
    }

    private static List<String> command(Settings settings, String classPath, Path properties) {
        List<String> arguments = new ArrayList<>(settings.options());
        arguments.addAll(List.of(
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-Dorg.slf4j.simpleLogger.showDateTime=true",
                "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
                "-cp",
                classPath,
                "kafka.Kafka",
                properties.toString()));
        return ChildProcess.java("512m", arguments.toArray(String[]::new));
    }

    /** How the broker is started, the first time and again. */
    private record Launch(List<String> command, Path directory, Path log, int port) {
        private ChildProcess start() {
            ChildProcess broker = ChildProcess.start("kafka", command, Map.of(), directory, log);
            broker.awaitReady(() -> {
                try (Socket socket = new Socket(InetAddress.getByName(HOST), port)) {
                    return socket.isConnected();
                }
            });
            return broker;
        }
    }

    /** Starts the broker again on its data and port, after it has ended or been killed. Ends it first if it runs. */
    public synchronized void restart() {
        broker.close();
        broker = launch.start();
    }

    /** {@code host:port}: the value of a service's {@code POSTBUS_KAFKA}. */
    public String bootstrap() {
        return HOST + ":" + port;
    }

    /**
     * The settings of a client that may do everything: for tests and benchmarks that look at topics or forge records. They hold a
     * password.
     */
    public Map<String, Object> connectionOfAdmin() {
        return connection(
                "PLAIN",
                "org.apache.kafka.common.security.plain.PlainLoginModule",
                BrokerProperties.ADMIN,
                adminPassword);
    }

    /** The settings of a client that may do what this user may. They hold a password. */
    public Map<String, Object> connectionOf(KafkaUser user) {
        return connection(
                "SCRAM-SHA-512",
                "org.apache.kafka.common.security.scram.ScramLoginModule",
                user.user(),
                passwords.get(user));
    }

    /** The environment variables of a service that logs in as this user. */
    public Map<String, String> environmentOf(KafkaUser user) {
        return Map.of(
                "POSTBUS_KAFKA", bootstrap(),
                "POSTBUS_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT",
                "POSTBUS_KAFKA_USERNAME", user.user(),
                "POSTBUS_KAFKA_PASSWORD_FILE", passwordFile(user).toString());
    }

    /** Readable by this process's user only. */
    public Path passwordFile(KafkaUser user) {
        return passwordFile(directory, user);
    }

    public long pid() {
        return broker.pid();
    }

    @Override
    public synchronized void close() {
        broker.close();
        if (temporary) {
            Directories.delete(directory);
        }
    }

    public ChildProcess process() {
        return broker;
    }

    private void prepare(int partitions) {
        try (Admin admin = Admin.create(connectionOfAdmin())) {
            KafkaSetup setup = new KafkaSetup(admin);
            setup.createTopics(partitions, (short) 1);
            setup.setPasswords(passwords);
            setup.grant();
        }
        // All passwords were set by one request, so this user stands for all.
        awaitLogin(KafkaUser.SUBSCRIBER);
    }

    /** The broker learns of new passwords from its controller, seconds later on a busy machine: services would log that they are refused. */
    private void awaitLogin(KafkaUser user) {
        Instant until = Instant.now().plus(LOGIN_MAX);
        while (true) {
            try (Admin client = Admin.create(connectionOf(user))) {
                client.describeCluster().nodes().get();
                return;
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof SaslAuthenticationException)
                        || Instant.now().isAfter(until)) {
                    throw new IllegalStateException("Kafka refuses " + user.user(), e.getCause());
                }
                LockSupport.parkNanos(LOGIN_RETRY.toNanos());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for Kafka", e);
            }
        }
    }

    private Map<String, Object> connection(String mechanism, String module, String user, Secret password) {
        return Map.of(
                CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                bootstrap(),
                CommonClientConfigs.SECURITY_PROTOCOL_CONFIG,
                "SASL_PLAINTEXT",
                SaslConfigs.SASL_MECHANISM,
                mechanism,
                SaslConfigs.SASL_JAAS_CONFIG,
                module + " required username=\"" + user + "\" password=\"" + password.reveal() + "\";");
    }

    private static Path passwordFile(Path directory, KafkaUser user) {
        return directory.resolve("password-" + user.user());
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
                                // What a format that was interrupted has left.
                                "--ignore-formatted",
                                "--cluster-id",
                                org.apache.kafka.common.Uuid.randomUuid().toString(),
                                "--config",
                                properties.toString()),
                        Map.of(),
                        directory,
                        log)
                .awaitSuccess();
    }
}
