package org.postbus.setup.database;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import java.util.Properties;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.postbus.account.Secret;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

/** Prepares a database for Postbus: the migrations, and the passwords of the services' roles. May run at every deployment. */
public final class DatabaseSetup {
    private DatabaseSetup() {}

    /**
     * Migrates the database and sets the passwords.
     *
     * @param user must own the database and have CREATEROLE; need not be a superuser
     * @param passwords by the name of the role
     * @throws IllegalStateException with the server's message, if a migration failed
     */
    public static void run(String jdbcUrl, String user, Secret password, Map<String, Secret> passwords)
            throws SQLException {
        migrate(jdbcUrl, user, password);
        Properties login = new Properties();
        login.setProperty("user", user);
        login.setProperty("password", password.reveal());
        try (Connection connection = DriverManager.getConnection(jdbcUrl, login)) {
            for (Map.Entry<String, Secret> role : passwords.entrySet()) {
                setPassword(connection, role.getKey(), role.getValue());
            }
        }
    }

    /** The server receives the SCRAM verifier, so the password is in none of its logs. */
    public static void setPassword(Connection connection, String role, Secret password) throws SQLException {
        connection
                .unwrap(PGConnection.class)
                .alterUserPassword(role, password.reveal().toCharArray(), "scram-sha-256");
    }

    private static void migrate(String jdbcUrl, String user, Secret password) {
        try {
            Flyway.configure()
                    .dataSource(jdbcUrl, user, password.reveal())
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
}
