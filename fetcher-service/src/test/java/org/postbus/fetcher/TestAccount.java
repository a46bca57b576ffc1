package org.postbus.fetcher;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.postgres.Database;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;
import org.postbus.topic.AccountRecord.Protocol;
import org.postbus.topic.AccountRecord.Status;

/** An account as api-gateway stores it. */
public record TestAccount(Database database, TenantId tenantId, AccountId accountId, Protocol protocol) {

    static CredentialCipher newCipher() {
        try {
            Path file = Files.createTempDirectory("keyset").resolve("keyset.json");
            CredentialCipher.createKeysetFile(file);
            file.getParent().toFile().deleteOnExit();
            file.toFile().deleteOnExit();
            return CredentialCipher.fromKeysetFile(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static TestAccount store(
            Database database, CredentialCipher cipher, AccountSettings settings, Credential credential) {
        TenantId tenant = new TenantId(UUID.randomUUID());
        AccountId account = new AccountId(UUID.randomUUID());
        Protocol protocol = settings instanceof AccountSettings.Imap ? Protocol.IMAP : Protocol.JMAP;
        TestAccount stored = new TestAccount(database, tenant, account, protocol);
        stored.update("insert into tenant (tenant_id, name) values (?, 'test')", tenant.value());
        stored.update("""
                insert into account (account_id, tenant_id, protocol, email, settings)
                values (?, ?, ?, 'somebody@example.com', ?::jsonb)""", account.value(), tenant.value(), protocol.wireName(), EventCodec.encodeToString(settings));
        stored.update(
                "insert into credential (account_id, kind, tenant_id, ciphertext) values (?, ?, ?, ?)",
                account.value(),
                credential.kind(),
                tenant.value(),
                cipher.encrypt(tenant, account, credential));
        stored.update(
                "insert into account_sync (account_id, tenant_id) values (?, ?)", account.value(), tenant.value());
        return stored;
    }

    public AccountRecord record(Status status) {
        return record(status, 1);
    }

    AccountRecord record(Status status, long revision) {
        return new AccountRecord(tenantId, accountId, protocol, status, revision);
    }

    public void update(String sql, Object... arguments) {
        try (Connection connection = database.connectAsAdmin();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                statement.setObject(i + 1, arguments[i]);
            }
            statement.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    public String read(String sql) {
        String[] value = new String[1];
        DirectWriter.query(database, sql, row -> value[0] = row.getString(1), accountId.value());
        return value[0];
    }

    /** Whether a pass that began after that time has succeeded: one in progress may have read the server before. */
    public boolean wasSyncedSince(Instant then) {
        return !read("select count(*) from sync_log where account_id = ? and error is null and started_at >= '"
                        + then.truncatedTo(ChronoUnit.MICROS) + "'")
                .equals("0");
    }
}
