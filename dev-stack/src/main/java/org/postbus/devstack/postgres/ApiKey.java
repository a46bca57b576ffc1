package org.postbus.devstack.postgres;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.UUID;
import org.postbus.account.Secret;
import org.postbus.devstack.process.Secrets;
import org.postbus.model.TenantId;

/**
 * A key of the REST API, sent as {@code Authorization: Bearer}: {@code pb_} and 256 random bits. The database stores only its SHA-256.
 */
public record ApiKey(TenantId tenant, Secret text) {
    private static final String PREFIX = "pb_";

    /** Creates a key with all scopes for the tenant of this name, and the tenant if it does not exist. */
    public static ApiKey issue(Database database, String tenantName) {
        return register(database, tenantName, fresh());
    }

    /** Inserts this key if the database does not have it, and the tenant if it does not exist. */
    public static ApiKey register(Database database, String tenantName, Secret text) {
        try (Connection connection = database.connectAsAdmin()) {
            TenantId tenant = tenantNamed(tenantName, connection);
            try (PreparedStatement insert = connection.prepareStatement(
                    "INSERT INTO api_key(key_hash, tenant_id, name, scopes) VALUES (?, ?, ?, '{read,mutate,send,accounts,admin}')"
                            + " ON CONFLICT DO NOTHING")) {
                insert.setBytes(1, sha256(text.reveal()));
                insert.setObject(2, tenant.value());
                insert.setString(3, "dev-stack");
                insert.executeUpdate();
            }
            return new ApiKey(tenant, text);
        } catch (SQLException e) {
            throw new IllegalStateException("the API key could not be stored for tenant " + tenantName, e);
        }
    }

    public static Secret fresh() {
        return new Secret(PREFIX + new Secrets().fresh().reveal());
    }

    private static TenantId tenantNamed(String name, Connection connection) throws SQLException {
        try (PreparedStatement query =
                connection.prepareStatement("SELECT tenant_id FROM tenant WHERE name = ? ORDER BY tenant_id LIMIT 1")) {
            query.setString(1, name);
            ResultSet row = query.executeQuery();
            if (row.next()) {
                return new TenantId(row.getObject(1, UUID.class));
            }
        }
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO tenant(name) VALUES (?) RETURNING tenant_id")) {
            insert.setString(1, name);
            ResultSet row = insert.executeQuery();
            row.next();
            return new TenantId(row.getObject(1, UUID.class));
        }
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.US_ASCII));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}
