package org.postbus.devstack.postgres;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import java.util.Properties;
import org.postbus.account.Secret;

/** A migrated database on {@code 127.0.0.1}: where it is, and the passwords that open it. */
public record Database(int port, String name, Secret adminPassword, Map<Role, Secret> passwords) {
    public static final String HOST = "127.0.0.1";
    /** The superuser: owns the tables and is above row-level security. Tests look with it; no service has it. */
    public static final String ADMIN = "postgres";

    public Database {
        passwords = Map.copyOf(passwords);
    }

    /** {@code postgresql://host:port/name}: what a service gets as {@code POSTBUS_DB_URL}. */
    public String url() {
        return "postgresql://" + HOST + ":" + port + "/" + name;
    }

    public String jdbcUrl() {
        return "jdbc:" + url();
    }

    public Secret password(Role role) {
        return passwords.get(role);
    }

    public Connection connect(Role role) throws SQLException {
        return connect(role.user(), password(role));
    }

    public Connection connectAsAdmin() throws SQLException {
        return connect(ADMIN, adminPassword);
    }

    private Connection connect(String user, Secret password) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password.reveal());
        return DriverManager.getConnection(jdbcUrl(), properties);
    }
}
