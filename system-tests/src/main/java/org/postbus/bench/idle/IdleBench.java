package org.postbus.bench.idle;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.CredentialCipher;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.measure.ProcessUse;
import org.postbus.bench.options.Arguments;
import org.postbus.bench.stage.MailServer;
import org.postbus.bench.stage.Stage;
import org.postbus.event.AccountRecord;
import org.postbus.event.EventCodec;
import org.postbus.event.Topics;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * What an account costs a fetcher in which nothing happens: its memory with a few, with a fifth and with all of the accounts, each
 * logged in over TLS to a local server and waiting ({@link IdleServer}). Then the fetcher is started again, and the server counts how
 * fast it logs in. The accounts are rows like all others, announced on the topic like all others.
 */
public final class IdleBench implements Runnable {
    private static final long BYTES_PER_ACCOUNT_MAX = 50 * 1024;
    /** More than the default, so that 10,000 accounts are logged in within minutes. */
    private static final int LOGINS_PER_SECOND = 200;

    /** Of the descriptors that a process may have: for Kafka, PostgreSQL, jars. */
    private static final int OTHER_DESCRIPTORS = 600;

    /** What these cost is not counted: what is left when a fifth of the accounts have come and gone, and so all code is compiled. */
    private static final int FEW = 50;

    /** One that watches and one that looks. */
    private static final int CONNECTIONS_PER_ACCOUNT = 2;

    private static final Duration LOGIN_WAIT = Duration.ofMinutes(15);
    /** As long as it takes until connections that were only needed for the first look are given up. */
    private static final Duration QUIET = Duration.ofSeconds(20);

    /** As long as timers hold connections that were closed. */
    private static final Duration TIMERS_RUN_OUT = Duration.ofSeconds(75);

    private static final String FETCHER = "fetcher-1";
    private static final String KEYSTORE_PASSWORD = "not-a-secret";
    private static final int HISTOGRAM_LINES = 25;

    private final Options options;
    private final PrintStream out;

    public IdleBench(Options options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    public record Options(int accounts, boolean histogram) {
        private static final Options DEFAULT = new Options(10_000, false);
        private static final int ACCOUNTS_MIN = 10 * FEW;
        private static final int ACCOUNTS_MAX = 1_000_000;

        public Options {
            if (accounts < ACCOUNTS_MIN) {
                throw new IllegalArgumentException("fewer than " + ACCOUNTS_MIN + " accounts say nothing");
            }
        }

        public static Options parse(Deque<String> rest) {
            return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
                case "--accounts" -> new Options(Arguments.number(value, ACCOUNTS_MAX), options.histogram);
                case "--histogram" -> new Options(options.accounts, Boolean.parseBoolean(value));
                default -> throw Arguments.unknown(name);
            });
        }
    }

    /**
     * The fetcher after a garbage collection.
     *
     * @param live bytes of objects that are reachable
     * @param resident bytes of the whole process
     * @param cpu share of one processor while nothing happened
     */
    private record Memory(int accounts, int connections, long live, long resident, double cpu) {}

    private record Logins(int all, int mostInASecond, double seconds) {}

    @Override
    public void run() {
        int descriptors = descriptorsMax();
        int connections = descriptors - OTHER_DESCRIPTORS;
        if (connections < options.accounts()) {
            throw new IllegalStateException("a process may have " + descriptors + " open files (ulimit -Hn), which is"
                    + " not enough for " + options.accounts() + " connections");
        }
        Path keystore = keystore();
        try (FakeServer server = new FakeServer(keystore);
                Stage stage = Stage.start(
                        List.of(),
                        settings -> settings.serviceHeap("3g")
                                .environment(
                                        Map.of(
                                                "POSTBUS_FETCHER_LOGINS_PER_HOST_AND_SECOND",
                                                Integer.toString(LOGINS_PER_SECOND),
                                                "POSTBUS_FETCHER_CONNECTIONS_PER_HOST",
                                                Integer.toString(connections),
                                                "JAVA_TOOL_OPTIONS",
                                                "-Djavax.net.ssl.trustStore=" + keystore
                                                        + " -Djavax.net.ssl.trustStorePassword=" + KEYSTORE_PASSWORD
                                                        // What is free is given back, so that resident memory tells
                                                        // something.
                                                        + " -Xms64m -Xmn32m -XX:MinHeapFreeRatio=5 -XX:MaxHeapFreeRatio=10 -XX:-ShrinkHeapInSteps")),
                        out);
                Connection database = stage.database()) {
            int fewer = options.accounts() / 5;
            List<AccountId> first = add(stage, database, server.port(), fewer);
            awaitLoggedIn(database, server, fewer);
            remove(stage, database, first.subList(FEW, fewer));
            Stage.await("the connections of accounts that were deleted are closed", LOGIN_WAIT, () -> {
                LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
                return server.ask().connections() <= CONNECTIONS_PER_ACCOUNT * FEW;
            });
            LockSupport.parkNanos(TIMERS_RUN_OUT.toNanos());
            List<Memory> memories = new ArrayList<>(List.of(memory(stage, server, FEW)));
            int there = FEW;
            for (int accounts : List.of(fewer, options.accounts())) {
                add(stage, database, server.port(), accounts - there);
                there = accounts;
                awaitLoggedIn(database, server, accounts);
                memories.add(memory(stage, server, accounts));
            }
            if (options.histogram()) {
                jcmd(stage, "GC.class_histogram").lines().limit(HISTOGRAM_LINES).forEach(out::println);
            }
            server.ask();
            long begin = System.nanoTime();
            stage.postbus().services().restart(FETCHER);
            Logins logins = awaitNoLogins(server, begin);
            print(memories, logins, descriptors);
        } catch (SQLException e) {
            throw new IllegalStateException("the database could not be asked", e);
        } finally {
            delete(keystore);
        }
    }

    // ---- the accounts

    private static List<AccountId> add(Stage stage, Connection database, int port, int accounts) throws SQLException {
        CredentialCipher cipher =
                CredentialCipher.fromKeysetFile(stage.directory().resolve("keyset.json"));
        TenantId tenant = tenant(database);
        database.setAutoCommit(false);
        try (PreparedStatement account =
                        database.prepareStatement("insert into account (account_id, tenant_id, protocol,"
                                + " email, settings, published_revision) values (?, ?, 'imap', ?, ?::jsonb, 1)");
                PreparedStatement credential = database.prepareStatement(
                        "insert into credential (account_id, kind, tenant_id, ciphertext) values (?, 'password', ?, ?)");
                PreparedStatement sync =
                        database.prepareStatement("insert into account_sync (account_id, tenant_id) values (?, ?)");
                KafkaProducer<String, byte[]> topic = producer(stage)) {
            List<AccountId> added = new ArrayList<>();
            for (int i = 0; i < accounts; i++) {
                AccountId id = new AccountId(UUID.randomUUID());
                String user = "user-" + id + "@example.com";
                AccountSettings settings = new AccountSettings.Imap(
                        user, new ServerAddress(MailServer.HOST, port, TlsMode.TLS), Optional.empty());
                account.setObject(1, id.value());
                account.setObject(2, tenant.value());
                account.setString(3, user);
                account.setString(
                        4, EventCodec.mapper().writerFor(AccountSettings.class).writeValueAsString(settings));
                account.addBatch();
                credential.setObject(1, id.value());
                credential.setObject(2, tenant.value());
                credential.setBytes(
                        3, cipher.encrypt(tenant, id, new Credential.Password(new Secret("bench-password"))));
                credential.addBatch();
                sync.setObject(1, id.value());
                sync.setObject(2, tenant.value());
                sync.addBatch();
                added.add(id);
            }
            account.executeBatch();
            credential.executeBatch();
            sync.executeBatch();
            database.commit();
            added.forEach(id -> topic.send(new ProducerRecord<>(
                    Topics.ACCOUNTS,
                    id.toString(),
                    EventCodec.encode(new AccountRecord(
                            tenant, id, AccountRecord.Protocol.IMAP, AccountRecord.Status.ACTIVE, 1, 0)))));
            topic.flush();
            return added;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            database.setAutoCommit(true);
        }
    }

    private static void remove(Stage stage, Connection database, List<AccountId> accounts) throws SQLException {
        try (PreparedStatement delete = database.prepareStatement("delete from account where account_id = any(?)");
                KafkaProducer<String, byte[]> topic = producer(stage)) {
            delete.setArray(
                    1,
                    database.createArrayOf(
                            "uuid", accounts.stream().map(AccountId::value).toArray()));
            delete.executeUpdate();
            accounts.forEach(id -> topic.send(new ProducerRecord<>(Topics.ACCOUNTS, id.toString(), null)));
            topic.flush();
        }
    }

    private static KafkaProducer<String, byte[]> producer(Stage stage) {
        return new KafkaProducer<>(
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        stage.postbus().kafka().bootstrap()),
                new StringSerializer(),
                new ByteArraySerializer());
    }

    private static TenantId tenant(Connection database) throws SQLException {
        try (Statement statement = database.createStatement();
                ResultSet row = statement.executeQuery("select tenant_id from tenant")) {
            row.next();
            return new TenantId(row.getObject(1, UUID.class));
        }
    }

    /** Until each has been seen once, and as many as may be are watched. */
    private void awaitLoggedIn(Connection database, FakeServer server, int accounts) {
        long begin = System.nanoTime();
        Stage.await("all accounts were seen", LOGIN_WAIT, () -> {
            LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
            try (Statement statement = database.createStatement();
                    ResultSet row = statement.executeQuery("select count(*) from account_sync where initial_done")) {
                row.next();
                return row.getInt(1) >= accounts;
            }
        });
        awaitNoLogins(server, begin);
        out.printf(
                "  %d accounts logged in after %.0f s, %d connections%n",
                accounts, (System.nanoTime() - begin) / 1e9, server.ask().connections());
    }

    /** Until no logins have come for 10 s, after the first. */
    private static Logins awaitNoLogins(FakeServer server, long begin) {
        int all = 0;
        int most = 0;
        double last = 0;
        int quiet = 0;
        while (quiet < 5 || all == 0) {
            LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(2));
            FakeServer.Told told = server.ask();
            all += told.logins();
            most = Math.max(most, told.mostInASecond());
            quiet = told.logins() == 0 ? quiet + 1 : 0;
            last = told.logins() == 0 ? last : (System.nanoTime() - begin) / 1e9;
            if ((System.nanoTime() - begin) / 1e9 > LOGIN_WAIT.toSeconds()) {
                throw new IllegalStateException("logins went on after " + LOGIN_WAIT.toMinutes() + " min");
            }
        }
        return new Logins(all, most, last);
    }

    // ---- the fetcher

    private Memory memory(Stage stage, FakeServer server, int accounts) {
        long pid = stage.postbus().services().pid(FETCHER);
        double before = ProcessUse.cpuSeconds(Map.of(FETCHER, pid)).get(FETCHER);
        LockSupport.parkNanos(QUIET.toNanos());
        double cpu = (ProcessUse.cpuSeconds(Map.of(FETCHER, pid)).get(FETCHER) - before) / QUIET.toSeconds();
        // The second collection takes what the first one's reference handling has set free.
        jcmd(stage, "GC.run");
        String total = jcmd(stage, "GC.class_histogram")
                .lines()
                .filter(line -> line.startsWith("Total"))
                .findFirst()
                .orElseThrow();
        Memory memory = new Memory(
                accounts,
                server.ask().connections(),
                Long.parseLong(total.strip().split("\\s+")[2]),
                ProcessUse.residentBytes(pid),
                cpu);
        out.printf("  %s%n", memory);
        return memory;
    }

    private static String jcmd(Stage stage, String command) {
        try {
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "jcmd")
                                    .toString(),
                            Long.toString(stage.postbus().services().pid(FETCHER)),
                            command)
                    .redirectErrorStream(true)
                    .start();
            String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IllegalStateException("jcmd failed: " + answer);
            }
            return answer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** The hard limit: a JVM takes all it may have. */
    private static int descriptorsMax() {
        try {
            return Files.readAllLines(Path.of("/proc/self/limits")).stream()
                    .filter(line -> line.startsWith("Max open files"))
                    .map(line -> line.split("\\s+")[4])
                    .mapToInt(limit -> limit.equals("unlimited") ? Integer.MAX_VALUE : Integer.parseInt(limit))
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- the server

    private static final class FakeServer implements AutoCloseable {
        private final Process process;
        private final BufferedReader answers;
        private final int port;

        record Told(int connections, int logins, int mostInASecond) {}

        FakeServer(Path keystore) {
            try {
                process = new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString(),
                                "-Xmx4g",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                IdleServer.class.getName(),
                                keystore.toString(),
                                KEYSTORE_PASSWORD)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
                answers = process.inputReader(StandardCharsets.US_ASCII);
                port = Integer.parseInt(answers.readLine());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        int port() {
            return port;
        }

        synchronized Told ask() {
            try {
                process.outputWriter(StandardCharsets.US_ASCII).write("tell\n");
                process.outputWriter(StandardCharsets.US_ASCII).flush();
                String[] numbers = answers.readLine().split(" ");
                return new Told(
                        Integer.parseInt(numbers[0]), Integer.parseInt(numbers[1]), Integer.parseInt(numbers[2]));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    private static Path keystore() {
        try {
            Path file = Files.createTempDirectory("postbus-idle-").resolve("keystore");
            Process keytool = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "keytool")
                                    .toString(),
                            "-genkeypair",
                            "-alias",
                            "server",
                            "-keyalg",
                            "EC",
                            "-groupname",
                            "secp256r1",
                            "-validity",
                            "30",
                            "-dname",
                            "CN=localhost",
                            "-ext",
                            "SAN=dns:localhost,ip:127.0.0.1",
                            "-storetype",
                            "PKCS12",
                            "-keystore",
                            file.toString(),
                            "-storepass",
                            KEYSTORE_PASSWORD)
                    .inheritIO()
                    .start();
            if (keytool.waitFor() != 0) {
                throw new IllegalStateException("keytool failed");
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static void delete(Path keystore) {
        try {
            Files.deleteIfExists(keystore);
            Files.deleteIfExists(keystore.getParent());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void print(List<Memory> memories, Logins logins, int descriptors) {
        Memory few = memories.getFirst();
        out.println();
        out.printf(
                "One fetcher with idle accounts over TLS, after a garbage collection; %s. A process may have %d open files"
                        + " here.%n%n",
                Figures.machine(), descriptors);
        out.println("| accounts | connections | heap MB | resident MB | heap KB/account | resident KB/account |"
                + " resident KB/connection | CPU while idle |");
        out.println("|---:|---:|---:|---:|---:|---:|---:|---:|");
        for (Memory memory : memories) {
            out.printf(
                    "| %d | %d | %.0f | %.0f | %s | %s | %s | %.0f %% |%n",
                    memory.accounts(),
                    memory.connections(),
                    memory.live() / 1048576.0,
                    memory.resident() / 1048576.0,
                    kilobytes(memory.live() - few.live(), memory.accounts() - few.accounts()),
                    kilobytes(memory.resident() - few.resident(), memory.accounts() - few.accounts()),
                    kilobytes(memory.resident() - few.resident(), memory.connections() - few.connections()),
                    memory.cpu() * 100);
        }
        out.println();
        for (Memory memory : memories.subList(1, memories.size())) {
            long each = (memory.resident() - few.resident()) / (memory.accounts() - few.accounts());
            out.println(Figures.verdict(
                    "%d accounts: %.1f KB each, target at most %d KB"
                            .formatted(memory.accounts(), each / 1024.0, BYTES_PER_ACCOUNT_MAX / 1024),
                    each <= BYTES_PER_ACCOUNT_MAX));
            out.println();
        }
        out.println("| restart with | logins | seconds | most logins in one second | budget |");
        out.println("|---:|---:|---:|---:|---:|");
        out.printf(
                "| %d accounts | %d | %.0f | %d | %d |%n",
                options.accounts(), logins.all(), logins.seconds(), logins.mostInASecond(), LOGINS_PER_SECOND);
        out.println();
        out.println(Figures.verdict(
                "at most %d logins in any second, the budget is %d"
                        .formatted(logins.mostInASecond(), LOGINS_PER_SECOND),
                logins.mostInASecond() <= LOGINS_PER_SECOND));
    }

    private static String kilobytes(long bytes, int of) {
        return of == 0 ? "" : "%.1f".formatted(bytes / 1024.0 / of);
    }
}
