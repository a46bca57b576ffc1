package org.postbus.devstack.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.process.ChildProcess;

class PostgresTest {
    @Test
    void every_role_can_log_in_and_bypasses_no_row_level_security() throws SQLException {
        Database database = DevStack.postgres().database();
        for (Role role : Role.values()) {
            try (Connection connection = database.connect(role)) {
                var row = connection
                        .createStatement()
                        .executeQuery(
                                "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user");
                row.next();
                assertThat(row.getString(1)).isEqualTo(role.user());
                assertThat(row.getBoolean(2)).isFalse();
            }
        }
    }

    @Test
    void a_login_needs_the_password() {
        Database database = DevStack.postgres().database();
        assertThatThrownBy(() -> DriverManager.getConnection(database.jdbcUrl(), Database.ADMIN, "guess"))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("password authentication failed");
    }

    @Test
    void fresh_databases_are_migrated_and_independent() throws SQLException {
        Postgres postgres = DevStack.postgres();
        Database one = postgres.freshDatabase();
        Database other = postgres.freshDatabase();
        try (Connection connection = one.connectAsAdmin()) {
            connection.createStatement().execute("CREATE TABLE mine(id int)");
        }
        try (Connection connection = other.connectAsAdmin()) {
            var row = connection
                    .createStatement()
                    .executeQuery("SELECT to_regclass('mine') IS NULL, to_regclass('account') IS NOT NULL");
            row.next();
            assertThat(row.getBoolean(1)).isTrue();
            assertThat(row.getBoolean(2)).isTrue();
        }
    }

    @Test
    void kept_data_survives_a_restart(@TempDir Path directory) throws Exception {
        Postgres.Settings settings = Postgres.Settings.kept(directory.resolve("postgres"), directory.resolve("log"));
        try (Postgres first = Postgres.start(settings);
                Connection connection = first.database().connectAsAdmin()) {
            connection.createStatement().execute("CREATE TABLE kept AS SELECT 42 AS answer");
        }
        try (Postgres second = Postgres.start(settings);
                Connection connection = second.database().connectAsAdmin()) {
            var row = connection.createStatement().executeQuery("SELECT answer, current_setting('fsync') FROM kept");
            row.next();
            assertThat(row.getInt(1)).isEqualTo(42);
            assertThat(row.getString(2)).isEqualTo("on");
            try (Connection gateway = second.database().connect(Role.GATEWAY)) {
                assertThat(gateway.isValid(5)).isTrue();
            }
        }
        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(directory.resolve("postgres/admin-password"))))
                .isEqualTo("rw-------");
    }

    @Test
    void a_server_that_was_killed_is_started_again_with_its_data_and_passwords(@TempDir Path directory)
            throws Exception {
        Postgres.Settings settings = Postgres.Settings.kept(directory.resolve("postgres"), directory.resolve("log"));
        try (Postgres postgres = Postgres.start(settings)) {
            Connection busy = postgres.database().connectAsAdmin();
            busy.createStatement().execute("CREATE TABLE kept AS SELECT 42 AS answer");
            // Its process sees the end of the server late.
            Thread.ofVirtual().start(() -> {
                try {
                    busy.createStatement().execute("SELECT sum(i) FROM generate_series(1, 30000000) i");
                } catch (SQLException ended) {
                    return;
                }
            });
            Thread.sleep(300);
            postgres.process().kill();

            postgres.restart();

            try (Connection connection = postgres.database().connect(Role.GATEWAY)) {
                assertThat(connection.isValid(5)).isTrue();
            }
            assertThat(answer(postgres)).isEqualTo(42);
        }
    }

    @Test
    void a_start_works_on_whatever_the_one_before_left(@TempDir Path directory) throws Exception {
        Path data = directory.resolve("postgres/data");
        Postgres.Settings settings = Postgres.Settings.kept(directory.resolve("postgres"), directory.resolve("log"));

        // The directory was being filled.
        Files.createDirectories(data);
        Files.writeString(data.resolve("PG_VERSION"), "18\n");
        Files.createFile(directory.resolve("postgres/unfinished"));
        try (Postgres first = Postgres.start(settings);
                Connection connection = first.database().connectAsAdmin()) {
            connection.createStatement().execute("CREATE TABLE kept AS SELECT 42 AS answer");
            connection.createStatement().execute("CHECKPOINT");
            first.process().kill();
        }

        // Another program has the pid by now, or the directory comes from another machine.
        Path pidFile = data.resolve("postmaster.pid");
        List<String> lines = Files.readAllLines(pidFile);
        try (ChildProcess other =
                ChildProcess.start("other", List.of("sleep", "600"), Map.of(), directory, directory.resolve("other"))) {
            lines.set(0, Long.toString(other.pid()));
            Files.write(pidFile, lines);
            try (Postgres second = Postgres.start(settings)) {
                assertThat(answer(second)).isEqualTo(42);
                // Its launcher was killed, and nothing ended it.
                try (Postgres third = Postgres.start(settings)) {
                    assertThat(answer(third)).isEqualTo(42);
                    assertThat(second.process().isAlive()).isFalse();
                }
            }
            assertThat(other.isAlive()).isTrue();
        }
    }

    private static int answer(Postgres postgres) throws SQLException {
        try (Connection connection = postgres.database().connectAsAdmin()) {
            var row = connection.createStatement().executeQuery("SELECT answer FROM kept");
            row.next();
            return row.getInt(1);
        }
    }

    /** As builds had it whose migrations ran as the superuser and ended with V009. */
    @Test
    void a_database_that_the_superuser_owns_is_handed_over(@TempDir Path directory) throws Exception {
        Postgres.Settings settings = Postgres.Settings.kept(directory.resolve("postgres"), directory.resolve("log"));
        try (Postgres first = Postgres.start(settings)) {
            Database server =
                    new Database(first.port(), "postgres", first.database().adminPassword(), Map.of());
            try (Connection connection = server.connectAsAdmin()) {
                connection.createStatement().execute("DROP DATABASE postbus");
                for (String role : List.of("fetcher", "writer", "outbound", "gateway", "owner", "admin")) {
                    connection.createStatement().execute("DROP ROLE postbus_" + role);
                }
                connection.createStatement().execute("CREATE DATABASE postbus");
            }
            Flyway.configure()
                    .dataSource(
                            first.database().jdbcUrl(),
                            Database.ADMIN,
                            first.database().adminPassword().reveal())
                    .locations("classpath:db/migration")
                    .skipDefaultCallbacks(true)
                    .target("9")
                    .load()
                    .migrate();
            try (Connection connection = first.database().connectAsAdmin()) {
                connection.createStatement().execute("INSERT INTO tenant (name) VALUES ('kept')");
                assertThat(objectsOfOthers(connection)).isPositive();
            }
        }
        for (int start = 0; start < 2; start++) {
            try (Postgres again = Postgres.start(settings);
                    Connection connection = again.database().connectAsAdmin();
                    Connection gateway = again.database().connect(Role.GATEWAY)) {
                assertThat(gateway.isValid(5)).isTrue();
                assertThat(objectsOfOthers(connection)).isZero();
                var row = connection.createStatement().executeQuery("SELECT name FROM tenant");
                row.next();
                assertThat(row.getString(1)).isEqualTo("kept");
            }
        }
    }

    private static long objectsOfOthers(Connection connection) throws SQLException {
        var row = connection.createStatement().executeQuery("""
                SELECT count(*) FROM (
                  SELECT relowner AS owner FROM pg_class WHERE relnamespace = 'public'::regnamespace
                  UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace) objects
                WHERE pg_get_userbyid(owner) <> 'postbus_owner'""");
        row.next();
        return row.getLong(1);
    }

    @Test
    void every_rule_for_logins_asks_for_a_password() throws Exception {
        try (Connection connection = DevStack.postgres().database().connectAsAdmin()) {
            var rules = connection
                    .createStatement()
                    .executeQuery("SELECT type || ' ' || auth_method || ' ' || address FROM pg_hba_file_rules");
            rules.next();
            assertThat(rules.getString(1)).isEqualTo("host scram-sha-256 127.0.0.1");
            assertThat(rules.next()).isFalse();
        }
    }

    @Test
    void database_of_a_build_before_the_first_release_is_refused_and_kept(@TempDir Path directory) throws Exception {
        // Given
        Postgres.Settings settings = Postgres.Settings.kept(directory.resolve("postgres"), directory.resolve("log"));
        try (Postgres first = Postgres.start(settings);
                Connection connection = first.database().connectAsAdmin()) {
            connection
                    .createStatement()
                    .execute("UPDATE flyway_schema_history SET script = 'V001__tenancy.sql' WHERE version = '001'");
        }

        // When
        assertThatThrownBy(() -> Postgres.start(settings))
                // Then
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("before its first release")
                .hasMessageContaining("Start with a new data directory")
                .hasMessageNotContaining("\n");
        assertThat(directory.resolve("postgres/data/PG_VERSION")).exists();
    }
}
