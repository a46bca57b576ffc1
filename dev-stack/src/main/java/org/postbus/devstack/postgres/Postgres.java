package org.postbus.devstack.postgres;

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
import java.util.concurrent.atomic.AtomicInteger;
import org.postbus.account.Secret;
import org.postbus.devstack.process.ChildProcess;
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
    /** Of a fast shutdown, whose checkpoint writes what is in memory. */
    private static final Duration STOP_WAIT = Duration.ofMinutes(2);

    private static final String NAME = "postbus";
    /** The migrations' login: as a provider of databases gives it to its customers, it may create roles and is no superuser. */
    private static final String MIGRATIONS = "postbus_admin";
    /** Migrated once and never connected to again: the template of the databases of a temporary server. */
    private static final String TEMPLATE = "postbus_template";

    private final Cluster cluster;
    private final Database database;
    private final Optional<Path> temporary;
    private final AtomicInteger copies = new AtomicInteger();
    private volatile ChildProcess server;

    private Postgres(Cluster cluster, ChildProcess server, Database database, Optional<Path> temporary) {
        this.cluster = cluster;
        this.server = server;
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
            Path directory = settings.directory().isPresent()
                    ? Directories.createPrivate(settings.directory().get().toAbsolutePath())
                    : Files.createTempDirectory("postbus-postgres-");
            if (settings.directory().isEmpty()) {
                ChildReaper.removeAtEnd(directory);
            }
            Secret adminPassword = secrets.keptIn(directory.resolve("admin-password"));
            Map<Role, Secret> passwords = new EnumMap<>(Role.class);
            for (Role role : Role.values()) {
                passwords.put(role, secrets.fresh());
            }
            int port = settings.port().orElseGet(FreePort::find);
            Cluster cluster = new Cluster(
                    directory,
                    port,
                    adminPassword,
                    settings.durable(),
                    settings.log().toAbsolutePath());
            Postgres started = new Postgres(
                    cluster,
                    cluster.start(),
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

    /** Starts the server again on its data and port, after it has ended or been killed; the passwords stay. Ends it first if it runs. */
    public synchronized void restart() {
        server.interrupt(STOP_WAIT);
        try {
            server = cluster.start();
        } catch (IOException e) {
            throw new UncheckedIOException("PostgreSQL did not start", e);
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
        return server.pid();
    }

    public ChildProcess process() {
        return server;
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
    public synchronized void close() {
        server.interrupt(STOP_WAIT);
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

    private static void execute(Database database, String... statements) throws SQLException {
        try (Connection connection = database.connectAsAdmin();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
