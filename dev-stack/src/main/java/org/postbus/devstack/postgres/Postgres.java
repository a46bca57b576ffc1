package org.postbus.devstack.postgres;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.postbus.account.Secret;
import org.postbus.devstack.process.ChildReaper;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.FreePort;
import org.postbus.devstack.process.Secrets;
import org.postbus.setup.database.DatabaseSetup;

/**
 * PostgreSQL 18 on loopback, migrated, with a fresh password for every role. It listens on TCP only, and every login needs a password,
 * the superuser's included: other users may have a shell on this machine.
 */
public final class Postgres implements AutoCloseable {
    private static final Duration START_WAIT = Duration.ofMinutes(3);
    private static final String NAME = "postbus";
    /** The migrations' login: as a provider of databases gives it to its customers, it may create roles and is no superuser. */
    private static final String MIGRATIONS = "postbus_admin";
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
            Secrets.createPrivate(settings.log());
            Path directory = settings.directory().isPresent()
                    ? Directories.createPrivate(settings.directory().get())
                    : Files.createTempDirectory("postbus-postgres-");
            if (settings.directory().isEmpty()) {
                ChildReaper.removeAtEnd(directory);
            }
            Path data = directory.resolve("data");
            awaitEndOfPredecessor(data);
            Path passwordFile = directory.toAbsolutePath().resolve("admin-password");
            Secret adminPassword = secrets.keptIn(passwordFile);
            int port = settings.port().orElseGet(FreePort::find);
            EmbeddedPostgres server = EmbeddedPostgres.builder()
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .setRegisterShutdownHook(false)
                    .setPort(port)
                    .setPGStartupWait(START_WAIT)
                    .setConnectConfig("password", adminPassword.reveal())
                    .setLocaleConfig("locale", "C")
                    // Options of initdb: no moment in which a login needs no password.
                    .setLocaleConfig("auth", "scram-sha-256")
                    .setLocaleConfig("pwfile", passwordFile.toString())
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
            Directories.closeToOthers(data.resolve("epg-lock"));
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
                started.prepare(secrets.fresh());
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
            copyTemplate(name);
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
    private void prepare(Secret migrationsPassword) throws SQLException {
        createMigrationsRole(migrationsPassword);
        if (temporary.isEmpty()) {
            prepareKept(migrationsPassword);
        } else {
            execute(named("postgres"), "CREATE DATABASE " + TEMPLATE + " OWNER " + MIGRATIONS);
            DatabaseSetup.run(named(TEMPLATE).jdbcUrl(), MIGRATIONS, migrationsPassword, passwordsByRole());
            copyTemplate(NAME);
        }
    }

    private void prepareKept(Secret migrationsPassword) throws SQLException {
        Optional<String> owner = ownerOf(NAME);
        if (owner.isEmpty()) {
            execute(named("postgres"), "CREATE DATABASE " + NAME + " OWNER " + MIGRATIONS);
        } else if (!owner.get().equals(MIGRATIONS)) {
            handOver();
        }
        DatabaseSetup.run(database.jdbcUrl(), MIGRATIONS, migrationsPassword, passwordsByRole());
    }

    /** The database of an earlier build, in which the superuser owned everything. */
    private void handOver() throws SQLException {
        DatabaseSetup.run(database.jdbcUrl(), Database.ADMIN, database.adminPassword(), passwordsByRole());
        execute(
                database,
                "ALTER DATABASE " + NAME + " OWNER TO " + MIGRATIONS,
                "GRANT postbus_owner TO " + MIGRATIONS + " WITH INHERIT TRUE, SET TRUE");
        for (Role role : Role.values()) {
            execute(
                    database,
                    "GRANT " + role.user() + " TO " + MIGRATIONS + " WITH ADMIN TRUE, INHERIT FALSE, SET FALSE");
        }
    }

    private void createMigrationsRole(Secret password) throws SQLException {
        try (Connection connection = named("postgres").connectAsAdmin();
                Statement statement = connection.createStatement();
                ResultSet role = statement.executeQuery("SELECT to_regrole('" + MIGRATIONS + "') IS NOT NULL")) {
            role.next();
            if (!role.getBoolean(1)) {
                execute(named("postgres"), "CREATE ROLE " + MIGRATIONS + " LOGIN CREATEROLE");
            }
            DatabaseSetup.setPassword(connection, MIGRATIONS, password);
        }
    }

    /** A copy has the template's content, not its privileges: those are the new database's own. */
    private void copyTemplate(String name) throws SQLException {
        execute(
                named("postgres"),
                "CREATE DATABASE " + name + " TEMPLATE " + TEMPLATE + " OWNER " + MIGRATIONS,
                "REVOKE ALL ON DATABASE " + name + " FROM PUBLIC",
                "GRANT CONNECT ON DATABASE " + name + " TO "
                        + String.join(", ", passwordsByRole().keySet()));
    }

    private Map<String, Secret> passwordsByRole() {
        Map<String, Secret> passwords = new TreeMap<>();
        database.passwords().forEach((role, password) -> passwords.put(role.user(), password));
        return passwords;
    }

    private Optional<String> ownerOf(String name) throws SQLException {
        try (Connection connection = named("postgres").connectAsAdmin();
                PreparedStatement query = connection.prepareStatement(
                        "SELECT datdba::regrole::text FROM pg_database WHERE datname = ?")) {
            query.setString(1, name);
            ResultSet row = query.executeQuery();
            return row.next() ? Optional.of(row.getString(1)) : Optional.empty();
        }
    }

    /** One rule for every login. {@code initdb} also writes rules for IPv6 and for replication. */
    private static void requirePasswords(Path data, Database admin) throws IOException, SQLException {
        String rules = "host all all 127.0.0.1/32 scram-sha-256\n";
        Path file = data.resolve("pg_hba.conf");
        if (!Files.readString(file).equals(rules)) {
            Files.writeString(file, rules);
            execute(admin, "SELECT pg_reload_conf()");
        }
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
