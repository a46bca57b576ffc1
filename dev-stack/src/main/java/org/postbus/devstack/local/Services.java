package org.postbus.devstack.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.postgres.Role;
import org.postbus.devstack.process.ChildProcess;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.FreePort;
import org.postbus.devstack.process.ProjectRoot;
import org.postbus.devstack.process.Secrets;
import org.postbus.setup.kafka.KafkaUser;

/**
 * Postbus's services, each in a JVM of its own as in production: the gateway, the writer, the outbound service and any number of
 * fetchers. An instance keeps its name ({@code gateway-1}, {@code fetcher-2}) and its port when it is restarted.
 */
public final class Services implements AutoCloseable {
    private static final Duration PROBE_WAIT = Duration.ofSeconds(5);
    private static final String HOST = "127.0.0.1";

    /** Mail servers on this machine and in private networks, on any port, also without TLS. */
    private static final Map<String, String> EGRESS = Map.of(
            "POSTBUS_EGRESS_PRIVATE_NETWORKS",
            "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,::1,fc00::/7",
            "POSTBUS_EGRESS_PORTS",
            "1-65535",
            "POSTBUS_EGRESS_PLAIN_TEXT",
            "private-networks");

    private final Settings settings;
    private final Path keyset;
    private final Map<String, Instance> instances = new LinkedHashMap<>();
    private boolean isClosed;

    private Services(Settings settings, Path keyset) {
        this.settings = settings;
        this.keyset = keyset;
    }

    /** A service of Postbus. */
    public enum Program {
        GATEWAY("gateway", "api-gateway", Role.GATEWAY, KafkaUser.GATEWAY),
        FETCHER("fetcher", "fetcher-service", Role.FETCHER, KafkaUser.FETCHER),
        OUTBOUND("outbound", "outbound-service", Role.OUTBOUND, KafkaUser.OUTBOUND),
        WRITER("writer", "writer-service", Role.WRITER, KafkaUser.WRITER);

        private final String shortName;
        private final String module;
        private final Role role;
        private final KafkaUser kafkaUser;

        Program(String shortName, String module, Role role, KafkaUser kafkaUser) {
            this.shortName = shortName;
            this.module = module;
            this.role = role;
            this.kafkaUser = kafkaUser;
        }

        public String shortName() {
            return shortName;
        }

        private Path jar() {
            Path jar = ProjectRoot.find().resolve(module).resolve("target/quarkus-app/quarkus-run.jar");
            if (!Files.exists(jar)) {
                throw new IllegalStateException(
                        jar + " is missing: build it with ./mvnw -DskipTests package -pl " + module + " -am");
            }
            return jar;
        }

        /** The writer reads no credentials, so it does not get their key. */
        private boolean readsCredentials() {
            return this != WRITER;
        }
    }

    /**
     * @param directory for the keyset, which is created if it does not exist, and the passwords of the database roles
     * @param logs directory of the instances' log files
     * @param fetchers number of fetchers
     * @param gatewayPort empty: a free one
     * @param maxHeap of each JVM, as for {@code -Xmx}
     * @param shortLived true: the JVMs use only the first compiler. The second one takes as long as the initial sync of 10,000 messages,
     *     which does not pay within minutes
     * @param environment additional variables of all services
     */
    public record Settings(
            Database database,
            Kafka kafka,
            Path directory,
            Path logs,
            int fetchers,
            Optional<Integer> gatewayPort,
            String maxHeap,
            boolean shortLived,
            Map<String, String> environment) {
        public static Settings of(Database database, Kafka kafka, Path directory) {
            return new Settings(
                    database, kafka, directory, directory.resolve("logs"), 1, Optional.empty(), "256m", true, Map.of());
        }

        public Settings fetchers(int fetchers) {
            return new Settings(
                    database, kafka, directory, logs, fetchers, gatewayPort, maxHeap, shortLived, environment);
        }

        public Settings environment(Map<String, String> environment) {
            return new Settings(
                    database, kafka, directory, logs, fetchers, gatewayPort, maxHeap, shortLived, environment);
        }
    }

    /** @param managementPort that of health and metrics: one of its own for the gateway */
    private record Instance(Program program, String name, int port, int managementPort, ChildProcess process) {}

    /** Starts all instances concurrently and waits until each is ready. If one fails, all are stopped. */
    public static Services start(Settings settings) {
        return start(settings, name -> {});
    }

    /** @param waiting is told for which instance it waits, each time that it waits for another one */
    static Services start(Settings settings, Consumer<String> waiting) {
        Services services = new Services(settings, keysetIn(settings.directory()));
        try {
            services.writePasswords();
            Arrays.stream(Program.values())
                    .flatMap(program -> names(program, settings.fetchers()).map(name -> Map.entry(program, name)))
                    .forEach(entry -> services.launch(entry.getKey(), entry.getValue()));
            for (Instance instance : List.copyOf(services.instances.values())) {
                waiting.accept(instance.name());
                awaitReady(instance);
            }
            return services;
        } catch (RuntimeException e) {
            services.close();
            throw e;
        }
    }

    /** The gateway's root, {@code http://127.0.0.1:port}. */
    public synchronized URI api() {
        return root(get("gateway-1").port());
    }

    /** The root of the instance's {@code /q/health} and {@code /q/metrics}. */
    public synchronized URI baseUrl(String instance) {
        return root(get(instance).managementPort());
    }

    private static URI root(int port) {
        return URI.create("http://" + HOST + ":" + port);
    }

    public synchronized List<String> instances() {
        return List.copyOf(instances.keySet());
    }

    public synchronized long pid(String instance) {
        return get(instance).process().pid();
    }

    /** The pids by {@link Program#shortName()}. */
    public synchronized Map<String, List<Long>> pids() {
        Map<String, List<Long>> pids = new TreeMap<>();
        for (Instance instance : instances.values()) {
            pids.computeIfAbsent(instance.program().shortName(), name -> new ArrayList<>())
                    .add(instance.process().pid());
        }
        return pids;
    }

    /** SIGKILL. */
    public synchronized void kill(String instance) {
        get(instance).process().kill();
    }

    /** SIGTERM, as in a deployment: the service finishes its work in progress. */
    public synchronized void stop(String instance) {
        get(instance).process().close();
    }

    /** Starts the instance again, with the same name and port, and waits until it is ready. Stops it first if it still runs. */
    public void restart(String instance) {
        Instance started;
        synchronized (this) {
            if (isClosed) {
                throw new IllegalStateException("closed");
            }
            Instance old = get(instance);
            old.process().close();
            launch(old.program(), old.name(), old.port(), old.managementPort());
            started = get(instance);
        }
        // Others are ended and started meanwhile.
        awaitReady(started);
    }

    /** Services that accept requests and mail stop before the one that stores them. */
    @Override
    public synchronized void close() {
        isClosed = true;
        for (Program program : Program.values()) {
            instances.values().stream()
                    .filter(instance -> instance.program() == program)
                    .parallel()
                    .forEach(instance -> instance.process().close());
        }
    }

    synchronized ChildProcess process(String instance) {
        return get(instance).process();
    }

    private static Stream<String> names(Program program, int fetchers) {
        return IntStream.rangeClosed(1, program == Program.FETCHER ? fetchers : 1)
                .mapToObj(number -> program.shortName() + "-" + number);
    }

    private Instance get(String name) {
        Instance instance = instances.get(name);
        if (instance == null) {
            throw new IllegalArgumentException("no instance " + name + " in " + instances.keySet());
        }
        return instance;
    }

    private void launch(Program program, String name) {
        int port = program == Program.GATEWAY ? settings.gatewayPort().orElseGet(FreePort::find) : FreePort.find();
        launch(program, name, port, program == Program.GATEWAY ? FreePort.find() : port);
    }

    private void launch(Program program, String name, int port, int managementPort) {
        Map<String, String> environment = new HashMap<>(settings.environment());
        // Here people read the logs; in production log collectors parse them as JSON.
        environment.putIfAbsent("QUARKUS_LOG_CONSOLE_JSON_ENABLED", "false");
        // The mail server may be on this machine or in its network. A setting of the caller takes precedence.
        EGRESS.forEach((variable, value) -> {
            if (System.getenv(variable) == null) {
                environment.putIfAbsent(variable, value);
            }
        });
        environment.put("POSTBUS_DB_URL", settings.database().url());
        environment.put("POSTBUS_DB_USER", program.role.user());
        environment.put("POSTBUS_DB_PASSWORD_FILE", passwordFile(program).toString());
        environment.putAll(settings.kafka().environmentOf(program.kafkaUser));
        environment.put("POSTBUS_HOST", HOST);
        environment.put("POSTBUS_PORT", Integer.toString(port));
        if (managementPort != port) {
            environment.put("POSTBUS_MANAGEMENT_PORT", Integer.toString(managementPort));
        }
        environment.put("POSTBUS_INSTANCE", name);
        if (program.readsCredentials()) {
            environment.put("POSTBUS_KEYSET", keyset.toString());
        }
        List<String> arguments = new ArrayList<>(List.of(
                "--enable-native-access=ALL-UNNAMED", "-jar", program.jar().toString()));
        if (settings.shortLived()) {
            arguments.addFirst("-XX:TieredStopAtLevel=1");
        }
        ChildProcess process = ChildProcess.start(
                name,
                ChildProcess.java(settings.maxHeap(), arguments.toArray(String[]::new)),
                environment,
                settings.directory(),
                settings.logs().resolve(name + ".log"));
        instances.put(name, new Instance(program, name, port, managementPort, process));
    }

    /** A file and not an environment variable: diagnostics print the environment, and child processes inherit it. */
    private void writePasswords() {
        try {
            Directories.createPrivate(settings.directory().toAbsolutePath().resolve("passwords"));
            for (Program program : Program.values()) {
                Secrets.writePrivately(
                        passwordFile(program),
                        settings.database().password(program.role).reveal());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the passwords could not be stored", e);
        }
    }

    private Path passwordFile(Program program) {
        return settings.directory().toAbsolutePath().resolve("passwords").resolve(program.role.user());
    }

    private static void awaitReady(Instance instance) {
        URI ready = root(instance.managementPort()).resolve("/q/health/ready");
        instance.process().awaitReady(() -> {
            HttpURLConnection connection = (HttpURLConnection) ready.toURL().openConnection();
            connection.setConnectTimeout((int) PROBE_WAIT.toMillis());
            connection.setReadTimeout((int) PROBE_WAIT.toMillis());
            try {
                return connection.getResponseCode() == 200;
            } finally {
                connection.disconnect();
            }
        });
    }

    private static Path keysetIn(Path directory) {
        Path keyset = directory.toAbsolutePath().resolve("keyset.json");
        try {
            Files.createDirectories(directory);
            if (Files.exists(keyset) && Files.size(keyset) == 0) {
                // Left by a build that was killed while it created the file; nothing was encrypted with it.
                Files.delete(keyset);
            }
            if (!Files.exists(keyset)) {
                CredentialCipher.createKeysetFile(keyset);
            }
            return keyset;
        } catch (IOException e) {
            throw new UncheckedIOException("the keyset could not be created: " + keyset, e);
        }
    }
}
