package org.postbus.gateway.it;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.postbus.change.ChangeEvent;
import org.postbus.change.Origin;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.postgres.Database;
import org.postbus.model.AccountId;
import org.postbus.model.EmailAddress;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailBodyValue;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.TenantId;

/** Writes mail tables in place of writer-service, and reads all rows regardless of row-level security. */
record StoredMail(Database database, Connection connection) implements AutoCloseable {

    static StoredMail in(Database database) throws SQLException {
        return new StoredMail(database, database.connectAsAdmin());
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }

    MailboxId mailbox(TenantId tenant, AccountId account, String name) {
        MailboxId id = new MailboxId(UUID.randomUUID());
        update("""
                insert into mailbox (account_id, tenant_id, mailbox_id, server_key, name, path, total_emails, unread_emails)
                values (?, ?, ?, ?, ?, ?, 7, 3)""", account.value(), tenant.value(), id.value(), "name:" + name, name, name);
        return id;
    }

    EmailId email(TenantId tenant, AccountId account, MailboxId mailbox, Instant receivedAt, String subject) {
        EmailId id = new EmailId(UUID.randomUUID());
        EmailHeaders headers = new EmailHeaders(
                List.of(subject + "@example.com"),
                List.of(),
                List.of(),
                List.of(),
                List.of(new EmailAddress(Optional.of("Alice"), "alice@example.com")),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                Optional.of(subject),
                Optional.empty());
        EmailBody body = new EmailBody(
                List.of(part("1", "text/plain")),
                List.of(part("2", "text/html")),
                List.of(part("3", "application/pdf")),
                java.util.Map.of("1", new EmailBodyValue("text of " + subject, false, false)));
        update(
                """
                insert into email (account_id, tenant_id, email_id, thread_id, size, received_at, keywords, headers, subject,
                                   has_attachment, preview)
                values (?, ?, ?, ?, 2048, ?, '{$flagged}', ?::jsonb, ?, true, 'preview')""",
                account.value(),
                tenant.value(),
                id.value(),
                UUID.randomUUID(),
                Timestamp.from(receivedAt),
                EventCodec.encodeToString(headers),
                subject);
        update(
                "insert into email_body (account_id, tenant_id, email_id, body) values (?, ?, ?, ?::jsonb)",
                account.value(),
                tenant.value(),
                id.value(),
                EventCodec.encodeToString(body));
        update("""
                insert into email_mailbox (account_id, tenant_id, mailbox_id, uid, email_id, received_at)
                values (?, ?, ?, (select count(*) + 1 from email_mailbox), ?, ?)""", account.value(), tenant.value(), mailbox.value(), id.value(), Timestamp.from(receivedAt));
        return id;
    }

    /** An email without a body, as the writer stores one whose body was left out. */
    EmailId bodiless(TenantId tenant, AccountId account, long size, Optional<String> jmapId, Optional<String> blobId) {
        EmailId id = new EmailId(UUID.randomUUID());
        EmailHeaders headers = new EmailHeaders(
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                Optional.of("without a body"),
                Optional.empty());
        update(
                """
                insert into email (account_id, tenant_id, email_id, identity, blob_id, thread_id, size, received_at, headers,
                                   subject, has_attachment, preview)
                values (?, ?, ?, ?, ?, ?, ?, now(), ?::jsonb, 'without a body', true, 'preview')""",
                account.value(),
                tenant.value(),
                id.value(),
                jmapId.map(text -> "jmap:" + text).orElse(null),
                blobId.orElse(null),
                UUID.randomUUID(),
                size,
                EventCodec.encodeToString(headers));
        return id;
    }

    /** Adds a location on an IMAP server. */
    void link(TenantId tenant, AccountId account, EmailId email, String rawName, long uidValidity, long uid) {
        MailboxId mailbox = mailbox(tenant, account, rawName + " " + UUID.randomUUID());
        update("update mailbox set raw_name = ? where mailbox_id = ?", rawName, mailbox.value());
        update("""
                insert into email_mailbox (account_id, tenant_id, mailbox_id, uid, uidvalidity, email_id, received_at)
                values (?, ?, ?, ?, ?, ?, now())""", account.value(), tenant.value(), mailbox.value(), uid, uidValidity, email.value());
    }

    /** The account's next change, committed but not published. */
    ChangeEvent change(TenantId tenant, AccountId account) {
        long seq = (Long) value(
                "update account_sync set change_seq = change_seq + 1 where account_id = ? returning change_seq",
                account.value());
        ChangeEvent event = new ChangeEvent(tenant, account, seq, new Origin.Server(), new ChangeEvent.AccountSynced());
        update(
                "insert into change_log (account_id, tenant_id, seq, type, data) values (?, ?, ?, ?, ?)",
                account.value(),
                tenant.value(),
                seq,
                ChangeEvent.typeOf(event.change()),
                EventCodec.encodeToString(event));
        return event;
    }

    Object value(String sql, Object... parameters) {
        try (PreparedStatement statement = prepared(sql, parameters);
                ResultSet rows = statement.executeQuery()) {
            rows.next();
            return rows.getObject(1);
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
    }

    int update(String sql, Object... parameters) {
        try (PreparedStatement statement = prepared(sql, parameters)) {
            return statement.executeUpdate();
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
    }

    private PreparedStatement prepared(String sql, Object... parameters) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < parameters.length; i++) {
            statement.setObject(i + 1, parameters[i]);
        }
        return statement;
    }

    private static EmailBodyPart part(String id, String type) {
        return new EmailBodyPart(
                id, Optional.empty(), 10, Optional.empty(), type, Optional.empty(), Optional.empty(), Optional.empty());
    }
}
