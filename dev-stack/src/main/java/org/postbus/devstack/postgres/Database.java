package org.postbus.devstack.postgres;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import java.util.Properties;
import org.postbus.account.Secret;

/** The address of a migrated database on {@code 127.0.0.1}, and the passwords of its roles. */
public record Database(int port, String name, Secret adminPassword, Map<Role, Secret> passwords) {
    public static final String HOST = "127.0.0.1";
    /** The superuser: owns the tables and bypasses row-level security. Tests read with it; no service has it. */
    public static final String ADMIN = "postgres";

    public Database {
        passwords = Map.copyOf(passwords);
    }

    /** {@code postgresql://host:port/name}: the value of a service's {@code POSTBUS_DB_URL}. */
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
