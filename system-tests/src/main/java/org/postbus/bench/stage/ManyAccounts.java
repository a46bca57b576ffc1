package org.postbus.bench.stage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;
import org.postbus.topic.Topics;

/**
 * Adds and removes a tenant's accounts by thousands: rows and records as the gateway writes them, in batches.
 *
 * @param database a connection of the superuser
 */
public record ManyAccounts(Stage stage, Connection database, TenantId tenant) {
    /** Adds accounts whose IMAP server listens on {@code port} of this machine, over TLS. */
    public List<AccountId> add(int port, int accounts) throws SQLException {
        CredentialCipher cipher =
                CredentialCipher.fromKeysetFile(stage.directory().resolve("keyset.json"));
        database.setAutoCommit(false);
        try (PreparedStatement account =
                        database.prepareStatement("insert into account (account_id, tenant_id, protocol,"
                                + " email, settings, published_revision) values (?, ?, 'imap', ?, ?::jsonb, 1)");
                PreparedStatement credential = database.prepareStatement(
                        "insert into credential (account_id, kind, tenant_id, ciphertext) values (?, 'password', ?, ?)");
                PreparedStatement sync =
                        database.prepareStatement("insert into account_sync (account_id, tenant_id) values (?, ?)");
                KafkaProducer<String, byte[]> topic = producer()) {
            List<AccountId> added = new ArrayList<>();
            for (int i = 0; i < accounts; i++) {
                AccountId id = new AccountId(UUID.randomUUID());
                String user = "user-" + id + "@example.com";
                AccountSettings settings = new AccountSettings.Imap(
                        user, new ServerAddress(MailServer.HOST, port, TlsMode.TLS), Optional.empty());
                account.setObject(1, id.value());
                account.setObject(2, tenant.value());
                account.setString(3, user);
                account.setString(
                        4, EventCodec.mapper().writerFor(AccountSettings.class).writeValueAsString(settings));
                account.addBatch();
                credential.setObject(1, id.value());
                credential.setObject(2, tenant.value());
                credential.setBytes(
                        3, cipher.encrypt(tenant, id, new Credential.Password(new Secret("bench-password"))));
                credential.addBatch();
                sync.setObject(1, id.value());
                sync.setObject(2, tenant.value());
                sync.addBatch();
                added.add(id);
            }
            account.executeBatch();
            credential.executeBatch();
            sync.executeBatch();
            database.commit();
            added.forEach(id -> topic.send(new ProducerRecord<>(
                    Topics.ACCOUNTS,
                    id.toString(),
                    EventCodec.encode(new AccountRecord(
                            tenant, id, AccountRecord.Protocol.IMAP, AccountRecord.Status.ACTIVE, 1)))));
            topic.flush();
            return added;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            database.setAutoCommit(true);
        }
    }

    public void remove(List<AccountId> accounts) throws SQLException {
        try (PreparedStatement delete = database.prepareStatement("delete from account where account_id = any(?)");
                KafkaProducer<String, byte[]> topic = producer()) {
            delete.setArray(
                    1,
                    database.createArrayOf(
                            "uuid", accounts.stream().map(AccountId::value).toArray()));
            delete.executeUpdate();
            accounts.forEach(id -> topic.send(new ProducerRecord<>(Topics.ACCOUNTS, id.toString(), null)));
            topic.flush();
        }
    }

    private KafkaProducer<String, byte[]> producer() {
        return new KafkaProducer<>(
                stage.postbus().kafka().connectionOfAdmin(), new StringSerializer(), new ByteArraySerializer());
    }
}
