package org.postbus.outbound;

import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.change.ChangeEvent;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.postgres.Role;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.model.SubmissionId;
import org.postbus.model.TenantId;

/** A database of its own for one test class: the outbound role's pool, and the superuser's hands to put things in and look. */
final class TestDatabase implements AutoCloseable {
    private final Database database = DevStack.postgres().freshDatabase();
    private final List<Pool> pools = new ArrayList<>();
    private final Connection admin;

    TestDatabase() {
        try {
            admin = database.connectAsAdmin();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** As a process of the service has it. */
    TenantTransactions transactions(Vertx vertx) {
        Pool pool = PgBuilder.pool()
                .connectingTo(new PgConnectOptions()
                        .setHost(Database.HOST)
                        .setPort(database.port())
                        .setDatabase(database.name())
                        .setUser(Role.OUTBOUND.user())
                        .setPassword(database.password(Role.OUTBOUND).reveal())
                        .setCachePreparedStatements(true))
                .with(new PoolOptions().setMaxSize(4))
                .using(vertx)
                .build();
        pools.add(pool);
        return new TenantTransactions(pool);
    }

    record Account(TenantId tenant, AccountId id) {}

    Account account(AccountSettings settings) {
        UUID tenant = uuid("insert into tenant(name) values ('t') returning tenant_id");
        UUID account = uuid(
                "insert into account(tenant_id, protocol, email, settings) values (?, ?, 'a@example.com', ?::jsonb)"
                        + " returning account_id",
                tenant,
                settings instanceof AccountSettings.Imap ? "imap" : "jmap",
                EventCodec.encodeToString(settings));
        run("insert into account_sync(account_id, tenant_id) values (?, ?)", account, tenant);
        return new Account(new TenantId(tenant), new AccountId(account));
    }

    void password(Account account, CredentialCipher cipher, Secret password) {
        run(
                "insert into credential(account_id, kind, tenant_id, ciphertext) values (?, 'password', ?, ?)"
                        + " on conflict (account_id) do update set ciphertext = excluded.ciphertext",
                account.id().value(),
                account.tenant().value(),
                cipher.encrypt(account.tenant(), account.id(), new Credential.Password(password)));
    }

    MailboxId mailbox(Account account, String serverKey, String rawName) {
        return new MailboxId(uuid(
                "insert into mailbox(account_id, tenant_id, server_key, raw_name, name, path) values (?, ?, ?, ?, ?, ?)"
                        + " returning mailbox_id",
                account.id().value(),
                account.tenant().value(),
                serverKey,
                rawName,
                serverKey,
                serverKey));
    }

    /** @param identity null where the server gives none */
    EmailId email(Account account, String identity, String messageId) {
        return new EmailId(uuid(
                "insert into email(account_id, tenant_id, identity, thread_id, message_id, size, received_at, headers,"
                        + " has_attachment, preview) values (?, ?, ?, uuidv7(), ?, 1, now(), '{}', false, '')"
                        + " returning email_id",
                account.id().value(),
                account.tenant().value(),
                identity,
                messageId));
    }

    void link(Account account, EmailId email, MailboxId mailbox, long uidValidity, long uid) {
        run(
                "insert into email_mailbox(account_id, mailbox_id, uid, email_id, tenant_id, uidvalidity, received_at)"
                        + " values (?, ?, ?, ?, ?, ?, now())",
                account.id().value(),
                mailbox.value(),
                uid,
                email.value(),
                account.tenant().value(),
                uidValidity);
    }

    void unlink(Account account, EmailId email) {
        run(
                "delete from email_mailbox where account_id = ? and email_id = ?",
                account.id().value(),
                email.value());
    }

    MutationId wish(Account account, EmailId email, String patch) {
        return new MutationId(uuid(
                "insert into pending_changes(account_id, tenant_id, email_id, kind, patch) values (?, ?, ?, 'update', ?::jsonb)"
                        + " returning mutation_id",
                account.id().value(),
                account.tenant().value(),
                email.value(),
                patch));
    }

    MutationId destroy(Account account, EmailId email) {
        return new MutationId(uuid(
                "insert into pending_changes(account_id, tenant_id, email_id, kind) values (?, ?, ?, 'destroy')"
                        + " returning mutation_id",
                account.id().value(),
                account.tenant().value(),
                email.value()));
    }

    MutationId mailboxWish(Account account, MailboxId mailbox, String kind, String patch) {
        return new MutationId(uuid(
                "insert into pending_changes(account_id, tenant_id, mailbox_id, kind, patch) values (?, ?, ?, ?, ?::jsonb)"
                        + " returning mutation_id",
                account.id().value(),
                account.tenant().value(),
                mailbox.value(),
                kind,
                patch));
    }

    /** As when the fetcher has seen what became of it. */
    void confirm(MutationId mutation) {
        run("update pending_changes set state = 'confirmed' where mutation_id = ?", mutation.value());
    }

    /** A message as the gateway would have stored it, due at once. */
    SubmissionId submission(Account account, String mailFrom, String messageId, String... recipients) {
        byte[] message = ("From: " + mailFrom + "\r\nTo: " + String.join(", ", recipients) + "\r\nSubject: " + messageId
                        + "\r\nMessage-ID: <" + messageId
                        + ">\r\nDate: Sat, 1 Nov 2025 10:00:00 +0000\r\n\r\nHello.\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        return new SubmissionId(uuid(
                "insert into submission(account_id, tenant_id, message, size, message_id, mail_from, recipients)"
                        + " values (?, ?, ?, ?, ?, ?, ?) returning submission_id",
                account.id().value(),
                account.tenant().value(),
                message,
                message.length,
                messageId,
                mailFrom,
                recipients));
    }

    Map<String, Object> submission(SubmissionId submission) {
        return rows(
                        "select state, transmitting, copy, attempts, checks, error, refused::text as refused, next_try_at, message"
                                + " from submission where submission_id = ?",
                        submission.value())
                .getFirst();
    }

    /** @param error null if there is none */
    record Row(String state, int attempts, String error) {}

    Row row(MutationId mutation) {
        Map<String, Object> row = rows(
                        "select state, attempts, error from pending_changes where mutation_id = ?", mutation.value())
                .getFirst();
        return new Row((String) row.get("state"), (Integer) row.get("attempts"), (String) row.get("error"));
    }

    String state(MutationId mutation) {
        return row(mutation).state();
    }

    long wake(Account account) {
        return (Long) rows(
                        "select wake from account where account_id = ?",
                        account.id().value())
                .getFirst()
                .get("wake");
    }

    /** What was told to the world, in order: each has the next seq, and is in the outbox. */
    List<ChangeEvent.Change> changes(Account account) {
        List<ChangeEvent.Change> changes = new ArrayList<>();
        for (Map<String, Object> row : rows(
                "select l.seq, l.data, l.type from change_log l join change_outbox o on o.account_id = l.account_id"
                        + " and l.seq between o.first_seq and o.last_seq where l.account_id = ? order by l.seq",
                account.id().value())) {
            ChangeEvent event = EventCodec.decode((String) row.get("data"), ChangeEvent.class);
            changes.add(event.change());
            if (event.seq() != changes.size()
                    || !row.get("seq").equals(event.seq())
                    || !row.get("type").equals(ChangeEvent.typeOf(event.change()))) {
                throw new AssertionError("not the next change: " + row);
            }
        }
        return changes;
    }

    /** Everything that waits is due now. */
    void hurry() {
        run("update pending_changes set next_try_at = now() where state = 'queued'");
    }

    UUID uuid(String sql, Object... parameters) {
        return (UUID) rows(sql, parameters).getFirst().values().iterator().next();
    }

    synchronized List<Map<String, Object>> rows(String sql, Object... parameters) {
        try (PreparedStatement statement = admin.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            List<Map<String, Object>> rows = new ArrayList<>();
            ResultSet result = statement.executeQuery();
            while (result.next()) {
                Map<String, Object> row = new LinkedHashMap<>();
                for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
                    row.put(result.getMetaData().getColumnName(i), result.getObject(i));
                }
                rows.add(row);
            }
            return rows;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    synchronized void run(String sql, Object... parameters) {
        try (PreparedStatement statement = admin.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            statement.execute();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws SQLException {
        pools.forEach(
                pool -> pool.close().toCompletionStage().toCompletableFuture().join());
        admin.close();
    }
}
