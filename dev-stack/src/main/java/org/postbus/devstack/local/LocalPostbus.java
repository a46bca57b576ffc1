package org.postbus.devstack.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.devstack.postgres.Postgres;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.Orphans;
import org.postbus.devstack.process.Secrets;
import org.postbus.setup.kafka.KafkaUser;
import org.postbus.topic.Topics;

/**
 * All of Postbus on this machine, with its data in one directory.
 *
 * <p>Phases: 1. the end of what an earlier run has left; 2. PostgreSQL, Kafka and, if it has users, James, concurrently; 3. the services, of which the
 * gateway registers the operator's key; 4. the default tenant and its key; 5. {@code run.json}; 6. {@link #supervise}.
 * If a phase fails, {@link #close()} ends the processes of the earlier ones; a new start in the same directory is possible, also after this JVM was
 * killed at any moment.
 */
public final class LocalPostbus implements AutoCloseable {
    private static final Duration REMINDER = Duration.ofSeconds(20);

    private final Settings settings;
    private final Consumer<String> progress;
    private final Supervisor supervisor;
    /** Closed in reverse order of their start. Null once this is closed. */
    private Deque<AutoCloseable> running = new ArrayDeque<>();

    private Postgres postgres;
    private Kafka kafka;
    private Optional<James> james = Optional.empty();
    private Services services;
    private ApiKey apiKey;

    private LocalPostbus(Settings settings, Consumer<String> progress) {
        this.settings = settings;
        this.progress = progress;
        this.supervisor = new Supervisor(Supervisor.PAUSES, progress);
    }

    /**
     * @param directory for data, logs, secrets and {@code run.json}
     * @param durable false: data may be lost in a power failure
     * @param shortLived as in {@link Services.Settings}
     * @param apiPort empty: a free one
     * @param users of James; empty: no James
     * @param serviceHeap of each service, as for {@code -Xmx}
     * @param jamesHeap as for {@code -Xmx}; must hold all mail
     * @param environment additional variables of the services
     */
    public record Settings(
            Path directory,
            boolean durable,
            boolean shortLived,
            Optional<Integer> apiPort,
            int fetchers,
            List<James.User> users,
            String serviceHeap,
            String jamesHeap,
            Map<String, String> environment) {
        /** For real use: durable, one fetcher, no mail server. */
        public static Settings persistent(Path directory) {
            return new Settings(directory, true, false, Optional.empty(), 1, List.of(), "256m", "512m", Map.of());
        }

        /** For demonstrations and tests: not durable, quick to start. */
        public static Settings temporary(Path directory, List<James.User> users) {
            return new Settings(directory, false, true, Optional.empty(), 1, users, "256m", "512m", Map.of());
        }

        /** For benchmarks: the JVMs compile as in real use. */
        public Settings longLived() {
            return new Settings(
                    directory, durable, false, apiPort, fetchers, users, serviceHeap, jamesHeap, environment);
        }

        public Settings apiPort(int port) {
            return new Settings(
                    directory,
                    durable,
                    shortLived,
                    Optional.of(port),
                    fetchers,
                    users,
                    serviceHeap,
                    jamesHeap,
                    environment);
        }

        public Settings fetchers(int fetchers) {
            return new Settings(
                    directory, durable, shortLived, apiPort, fetchers, users, serviceHeap, jamesHeap, environment);
        }

        public Settings serviceHeap(String heap) {
            return new Settings(directory, durable, shortLived, apiPort, fetchers, users, heap, jamesHeap, environment);
        }

        public Settings jamesHeap(String heap) {
            return new Settings(
                    directory, durable, shortLived, apiPort, fetchers, users, serviceHeap, heap, environment);
        }

        public Settings environment(Map<String, String> environment) {
            return new Settings(
                    directory, durable, shortLived, apiPort, fetchers, users, serviceHeap, jamesHeap, environment);
        }
    }

    /** Does not start anything, so that a shutdown hook can call {@link #close()} at any moment of the start. */
    public static LocalPostbus prepare(Settings settings, Consumer<String> progress) {
        return new LocalPostbus(settings, progress);
    }

    /** @throws IllegalStateException naming the process that did not start, with the end of its log */
    public void start() {
        try {
            Path directory = Directories.createPrivate(settings.directory().toAbsolutePath());
            Path logs = Directories.createPrivate(directory.resolve("logs"));
            Orphans.end(logs, progress);
            keepLastLogs(logs);
            settings.apiPort().ifPresent(port -> LocalPorts.awaitFree(port, progress));
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                List<CompletableFuture<?>> starts = new ArrayList<>();
                starts.add(CompletableFuture.runAsync(() -> startPostgres(directory, logs), threads));
                starts.add(CompletableFuture.runAsync(() -> startKafka(directory, logs), threads));
                if (!settings.users().isEmpty()) {
                    starts.add(CompletableFuture.runAsync(() -> startJames(directory, logs), threads));
                }
                CompletableFuture.allOf(starts.toArray(CompletableFuture[]::new))
                        .join();
            }
            Path operatorKey = operatorKeyFile(directory);
            startServices(directory, logs, operatorKey);
            apiKey = DefaultTenant.key(api(), operatorKey, directory.resolve("api-key"));
            writeRunFile(directory.resolve("run.json"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    public Postgres postgres() {
        return postgres;
    }

    public Kafka kafka() {
        return kafka;
    }

    /** @throws java.util.NoSuchElementException if the settings have no users */
    public James james() {
        return james.orElseThrow();
    }

    public Services services() {
        return services;
    }

    /** The gateway's root. */
    public URI api() {
        return services.api();
    }

    public ApiKey apiKey() {
        return apiKey;
    }

    /**
     * Starts child processes again that end by themselves, each on its own, until {@link #close()}. Blocks.
     *
     * @return which has ended and can not be started again: James, whose mail is in memory
     */
    public String supervise() {
        supervisor.watch(new Supervisor.Child("PostgreSQL", postgres::process, () -> restarted(postgres::restart)));
        supervisor.watch(new Supervisor.Child("Kafka", kafka::process, () -> restarted(kafka::restart)));
        for (String instance : services.instances()) {
            supervisor.watch(new Supervisor.Child(
                    instance, () -> services.process(instance), () -> restarted(() -> services.restart(instance))));
        }
        CompletableFuture<String> end = new CompletableFuture<>();
        james.map(James::process)
                .ifPresent(child -> child.onExit().thenAccept(process -> {
                    if (!isClosing()) {
                        end.complete(child.name() + " ended with exit code " + process.exitValue() + child.logTail());
                    }
                }));
        return end.join();
    }

    private void restarted(Runnable restart) {
        restart.run();
        synchronized (this) {
            if (running != null) {
                writeRunFile(settings.directory().toAbsolutePath().resolve("run.json"));
            }
        }
    }

    /** Ends all child processes, the last started first, and deletes {@code run.json}. May be called at any time and repeatedly. */
    @Override
    public void close() {
        Deque<AutoCloseable> closing;
        synchronized (this) {
            if (running == null) {
                return;
            }
            closing = running;
            running = null;
        }
        supervisor.close();
        for (AutoCloseable child : closing) {
            closeAndReport(child);
        }
        try {
            Files.deleteIfExists(settings.directory().resolve("run.json"));
        } catch (IOException e) {
            progress.accept("run.json could not be deleted: " + e);
        }
    }

    private synchronized boolean isClosing() {
        return running == null;
    }

    private void startPostgres(Path directory, Path logs) {
        postgres = started(
                "PostgreSQL",
                logs.resolve("postgres.log"),
                () -> Postgres.start(new Postgres.Settings(
                        Optional.of(directory.resolve("postgres")),
                        Optional.of(LocalPorts.stored(directory.resolve("postgres-port"))),
                        settings.durable(),
                        logs.resolve("postgres.log"))));
    }

    private void startKafka(Path directory, Path logs) {
        kafka = started(
                "Kafka",
                logs.resolve("kafka.log"),
                () -> Kafka.start(new Kafka.Settings(
                        Optional.of(directory.resolve("kafka")),
                        Optional.of(LocalPorts.stored(directory.resolve("kafka-port"))),
                        Topics.PARTITIONS,
                        logs.resolve("kafka.log"))));
    }

    private void startJames(Path directory, Path logs) {
        james = Optional.of(started(
                "James",
                logs.resolve("james.log"),
                () -> James.start(new James.Settings(
                        settings.users(),
                        settings.jamesHeap(),
                        Optional.of(directory.resolve("james")),
                        logs.resolve("james.log")))));
    }

    private void startServices(Path directory, Path logs, Path operatorKey) {
        AtomicReference<Path> log = new AtomicReference<>(logs);
        services = started(
                "Postbus",
                log::get,
                () -> Services.start(
                        new Services.Settings(
                                postgres.database(),
                                kafka,
                                directory,
                                logs,
                                settings.fetchers(),
                                settings.apiPort(),
                                settings.serviceHeap(),
                                settings.shortLived(),
                                withOperatorKey(operatorKey)),
                        instance -> log.set(logs.resolve(instance + ".log"))));
    }

    private <T extends AutoCloseable> T started(String name, Path log, Supplier<T> start) {
        return started(name, () -> log, start);
    }

    /** @param log of what it waits for at the moment */
    private <T extends AutoCloseable> T started(String name, Supplier<Path> log, Supplier<T> start) {
        long begin = System.nanoTime();
        Thread reminder = Thread.ofVirtual().start(() -> remind(name, log, begin));
        T child;
        try {
            child = start.get();
        } finally {
            reminder.interrupt();
        }
        synchronized (this) {
            if (running != null) {
                running.push(child);
                progress.accept(String.format("  %-12s ready after %.1f s", name, secondsSince(begin)));
                return child;
            }
        }
        closeAndReport(child);
        throw new IllegalStateException("closed while " + name + " started");
    }

    /** A start has no limit while it makes progress: on a slow machine one sees what takes so long. */
    private void remind(String name, Supplier<Path> log, long begin) {
        try {
            while (true) {
                Thread.sleep(REMINDER);
                progress.accept(String.format(
                        "  %-12s is not ready after %.0f s; its log: %s", name, secondsSince(begin), log.get()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void closeAndReport(AutoCloseable child) {
        try {
            child.close();
        } catch (Exception e) {
            progress.accept(child.getClass().getSimpleName() + " did not stop cleanly: " + e);
        }
    }

    private void writeRunFile(Path file) {
        Map<String, Object> run = new LinkedHashMap<>();
        run.put("api", api().toString());
        run.put("apiKey", apiKey.text().reveal());
        run.put("operatorKeyFile", file.resolveSibling("operator-key").toString());
        run.put("postgres", postgres.url());
        run.put("kafka", kafka.bootstrap());
        run.put(
                "subscriber",
                Map.of(
                        "user",
                        KafkaUser.SUBSCRIBER.user(),
                        "passwordFile",
                        kafka.passwordFile(KafkaUser.SUBSCRIBER).toString()));
        run.put("services", services.pids());
        run.put("servers", Map.of("postgres", postgres.pid(), "kafka", kafka.pid()));
        james.ifPresent(server -> {
            run.put("imap", server.ports().imap());
            run.put("smtp", server.ports().smtp());
            run.put("jmap", server.ports().jmap());
            Map<String, String> passwords = new LinkedHashMap<>();
            settings.users()
                    .forEach(user ->
                            passwords.put(user.address(), user.password().reveal()));
            run.put("passwords", passwords);
        });
        try {
            Secrets.writePrivately(
                    file, EventCodec.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(run) + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Map<String, String> withOperatorKey(Path file) {
        Map<String, String> environment = new LinkedHashMap<>(settings.environment());
        environment.put("POSTBUS_OPERATOR_KEY_FILE", file.toString());
        return environment;
    }

    private static Path operatorKeyFile(Path directory) throws IOException {
        Path file = directory.resolve("operator-key");
        if (!Files.exists(file)) {
            Secrets.writePrivately(file, ApiKey.fresh().reveal());
        }
        return file;
    }

    /** Renames the logs of the last run, replacing those of the run before it. */
    private static void keepLastLogs(Path logs) throws IOException {
        try (Stream<Path> files = Files.list(logs)) {
            for (Path log :
                    files.filter(file -> file.toString().endsWith(".log")).toList()) {
                Files.move(log, log.resolveSibling(log.getFileName() + ".last"), StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    private static double secondsSince(long begin) {
        return Duration.ofNanos(System.nanoTime() - begin).toMillis() / 1000.0;
    }
}
