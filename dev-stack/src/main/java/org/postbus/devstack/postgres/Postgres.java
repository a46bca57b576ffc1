package org.postbus.devstack.postgres;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.postbus.account.Secret;
import org.postbus.devstack.process.ChildReaper;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.FreePort;
import org.postbus.devstack.process.Secrets;
import org.postgresql.util.PSQLException;

/**
 * PostgreSQL 18 on loopback, migrated, with a fresh password for every role. It listens on TCP only, and every login needs a password,
 * the superuser's included: other users may have a shell on this machine.
 */
public final class Postgres implements AutoCloseable {
    private static final Duration START_WAIT = Duration.ofMinutes(3);
    private static final String NAME = "postbus";
    /** Migrated once and never connected to again: the template of the databases of a temporary server. */
    private static final String TEMPLATE = "postbus_template";

    private final EmbeddedPostgres server;
    private final long pid;
    private final Database database;
    private final Optional<Path> temporary;
    private final AtomicInteger copies = new AtomicInteger();

    private Postgres(EmbeddedPostgres server, long pid, Database database, Optional<Path> temporary) {
        this.server = server;
        this.pid = pid;
        this.database = database;
        this.temporary = temporary;
    }

    /**
     * @param directory for the data and the superuser's password; empty: a temporary one, deleted at the end
     * @param port empty: a free one
     * @param durable false: no fsync, for data that may be lost in a power failure
     * @param log receives the server's output
     */
    public record Settings(Optional<Path> directory, Optional<Integer> port, boolean durable, Path log) {
        /** For tests and demonstrations. */
        public static Settings temporary(Path log) {
            return new Settings(Optional.empty(), Optional.empty(), false, log);
        }

        public static Settings kept(Path directory, Path log) {
            return new Settings(Optional.of(directory), Optional.empty(), true, log);
        }
    }

    /** Starts the server, creates or migrates the database, sets the passwords. */
    public static Postgres start(Settings settings) {
        Secrets secrets = new Secrets();
        try {
            Files.createDirectories(settings.log().toAbsolutePath().getParent());
            Path directory = settings.directory().isPresent()
                    ? Files.createDirectories(settings.directory().get())
                    : Files.createTempDirectory("postbus-postgres-");
            if (settings.directory().isEmpty()) {
                ChildReaper.removeAtEnd(directory);
            }
            Path data = directory.resolve("data");
            awaitEndOfPredecessor(data);
            Secret adminPassword = secrets.keptIn(directory.resolve("admin-password"));
            int port = settings.port().orElseGet(FreePort::find);
            EmbeddedPostgres server = EmbeddedPostgres.builder()
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .setRegisterShutdownHook(false)
                    .setPort(port)
                    .setPGStartupWait(START_WAIT)
                    .setConnectConfig("password", adminPassword.reveal())
                    .setLocaleConfig("locale", "C")
                    .setServerConfig("listen_addresses", Database.HOST)
                    .setServerConfig("unix_socket_directories", "''")
                    .setServerConfig("max_connections", "200")
                    .setServerConfig("shared_buffers", "256MB")
                    .setServerConfig("max_wal_size", "1GB")
                    .setServerConfig("fsync", settings.durable() ? "on" : "off")
                    .setServerConfig("full_page_writes", settings.durable() ? "on" : "off")
                    .setServerConfig("synchronous_commit", settings.durable() ? "on" : "off")
                    .setErrorRedirector(
                            ProcessBuilder.Redirect.appendTo(settings.log().toFile()))
                    .setOutputRedirector(
                            ProcessBuilder.Redirect.appendTo(settings.log().toFile()))
                    .start();
            long pid = postmaster(data).orElseThrow(() -> new IOException("no postmaster.pid in " + data));
            ChildReaper.register(pid);
            Database postgres = new Database(port, "postgres", adminPassword, Map.of());
            requirePasswords(data, postgres);
            Map<Role, Secret> passwords = new EnumMap<>(Role.class);
            for (Role role : Role.values()) {
                passwords.put(role, secrets.fresh());
            }
            Postgres started = new Postgres(
                    server,
                    pid,
                    new Database(port, NAME, adminPassword, passwords),
                    settings.directory().isPresent() ? Optional.empty() : Optional.of(directory));
            try {
                started.migrate();
            } catch (RuntimeException | SQLException e) {
                started.close();
                throw e;
            }
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException("PostgreSQL did not start, see " + settings.log(), e);
        } catch (SQLException e) {
            throw new IllegalStateException("PostgreSQL could not be prepared, see " + settings.log(), e);
        }
    }

    /** The database {@code postbus}. */
    public Database database() {
        return database;
    }

    public String url() {
        return database.url();
    }

    public int port() {
        return database.port();
    }

    /** The postmaster. */
    public long pid() {
        return pid;
    }

    /**
     * An empty, migrated database for one test, copied from the template in a fraction of a second. Only on a temporary server.
     */
    public synchronized Database freshDatabase() {
        String name = NAME + "_" + copies.incrementAndGet();
        try {
            execute(named("postgres"), "CREATE DATABASE " + name + " TEMPLATE " + TEMPLATE);
        } catch (SQLException e) {
            throw new IllegalStateException("the database could not be created", e);
        }
        return named(name);
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        ChildReaper.release(pid);
        temporary.ifPresent(Directories::delete);
    }

    private Database named(String name) {
        return new Database(database.port(), name, database.adminPassword(), database.passwords());
    }

    /** Roles belong to the whole server, so the migrations run once per server: on the database, or on the template. */
    private void migrate() throws SQLException {
        Database admin = named("postgres");
        if (temporary.isEmpty()) {
            if (!exists(NAME)) {
                execute(admin, "CREATE DATABASE " + NAME);
            }
            migrate(database);
        } else {
            execute(admin, "CREATE DATABASE " + TEMPLATE);
            migrate(named(TEMPLATE));
            execute(admin, "CREATE DATABASE " + NAME + " TEMPLATE " + TEMPLATE);
        }
        for (Role role : Role.values()) {
            execute(
                    admin,
                    "ALTER ROLE " + role.user() + " PASSWORD '"
                            + database.password(role).reveal() + "'");
        }
    }

    private boolean exists(String name) throws SQLException {
        try (Connection connection = named("postgres").connectAsAdmin();
                PreparedStatement query = connection.prepareStatement("SELECT 1 FROM pg_database WHERE datname = ?")) {
            query.setString(1, name);
            return query.executeQuery().next();
        }
    }

    private static void migrate(Database database) {
        try {
            Flyway.configure()
                    .dataSource(
                            database.jdbcUrl(),
                            Database.ADMIN,
                            database.adminPassword().reveal())
                    .locations("classpath:db/migration")
                    .load()
                    .migrate();
        } catch (FlywayException e) {
            throw new IllegalStateException("the database was not migrated: " + reason(e), e);
        }
    }

    /** The server's own message where a statement failed: Flyway's text surrounds it with a report of many lines. */
    private static String reason(FlywayException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof PSQLException error && error.getServerErrorMessage() != null) {
                return error.getServerErrorMessage().getMessage();
            }
        }
        return failure.getMessage();
    }

    /** {@code initdb} trusts every local user; this changes the rule to password authentication. */
    private static void requirePasswords(Path data, Database admin) throws IOException, SQLException {
        String rules = "host all all 127.0.0.1/32 scram-sha-256\n";
        Path file = data.resolve("pg_hba.conf");
        if (Files.readString(file).equals(rules)) {
            return;
        }
        execute(
                admin,
                "ALTER ROLE " + Database.ADMIN + " PASSWORD '"
                        + admin.adminPassword().reveal() + "'");
        Files.writeString(file, rules);
        execute(admin, "SELECT pg_reload_conf()");
    }

    private static void execute(Database database, String... statements) throws SQLException {
        try (Connection connection = database.connectAsAdmin();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    /** After a SIGKILL of the launcher its server needs a moment to end; a second one in its directory would not start. */
    private static void awaitEndOfPredecessor(Path data) throws IOException {
        Optional<ProcessHandle> predecessor = postmaster(data)
                .flatMap(ProcessHandle::of)
                .filter(process -> process.info().command().orElse("").endsWith("postgres"));
        if (predecessor.isPresent()) {
            predecessor
                    .get()
                    .onExit()
                    .orTimeout(START_WAIT.toSeconds(), TimeUnit.SECONDS)
                    .join();
        }
    }

    private static Optional<Long> postmaster(Path data) throws IOException {
        Path file = data.resolve("postmaster.pid");
        return Files.exists(file)
                ? Files.readAllLines(file).stream().findFirst().map(line -> Long.parseLong(line.strip()))
                : Optional.empty();
    }
}
