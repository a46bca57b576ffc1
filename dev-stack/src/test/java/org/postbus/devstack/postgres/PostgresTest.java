package org.postbus.devstack.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.devstack.DevStack;

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
