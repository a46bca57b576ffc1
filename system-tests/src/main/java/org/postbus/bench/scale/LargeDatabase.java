package org.postbus.bench.scale;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Optional;
import java.util.UUID;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.observation.Cursor;

/** Fills a database by SQL with what initial syncs and a few weeks of use leave. */
final class LargeDatabase {
    private static final String SCOPE = "mailbox:name:INBOX";

    private final Connection database;
    private final AccountId account;

    /** @param account the measured one */
    LargeDatabase(Connection database, AccountId account) {
        this.database = database;
        this.account = account;
    }

    /** The measured account gets a mailbox, 20 more, and a cursor; it has ended its initial sync. */
    UUID createMailboxes() throws SQLException {
        execute("""
                insert into mailbox (account_id, tenant_id, server_key, raw_name, name, path)
                select account_id, tenant_id, 'name:' || name, name, name, name
                from account, (select 'INBOX' as name union all select 'M' || i from generate_series(1, 20) i) names
                where account_id = ?""", account.value());
        execute("update account_sync set initial_done = true, state = 'idle' where account_id = ?", account.value());
        execute(
                "insert into sync_state (account_id, tenant_id, scope, cursor) select account_id, tenant_id, ?, ?::jsonb from account where account_id = ?",
                SCOPE,
                EventCodec.encodeToString(new Cursor.Imap(1, 100_000_000, Optional.of(1L), 1)),
                account.value());
        try (PreparedStatement inbox = database.prepareStatement(
                "select mailbox_id from mailbox where account_id = ? and server_key = 'name:INBOX'")) {
            inbox.setObject(1, account.value());
            try (var row = inbox.executeQuery()) {
                row.next();
                return row.getObject(1, UUID.class);
            }
        }
    }

    /** Messages with these UIDs in the INBOX of the measured account, and for each one a change. */
    void addEmails(int first, int last) throws SQLException {
        emails("where a.account_id = '" + account + "'", first, last);
        execute("""
                insert into change_log (account_id, tenant_id, seq, type, object_id, data, at)
                select a.account_id, a.tenant_id, s.change_seq + n, 'email.created', gen_random_uuid(), '{}',
                       now() - interval '20 days' + n * interval '1 millisecond'
                from account a join account_sync s using (account_id), generate_series(1, ?) n
                where a.account_id = ?""", last - first + 1, account.value());
        execute(
                "update account_sync set change_seq = change_seq + ? where account_id = ?",
                last - first + 1,
                account.value());
    }

    /** Mutations of the measured account that ended long ago, and some that wait for a pass that has not begun. */
    void addMutations(int ended, int applied) throws SQLException {
        String insert = """
                insert into pending_changes (account_id, tenant_id, email_id, kind, patch, state, applied_pass)
                select account_id, tenant_id, gen_random_uuid(), 'update', '{"keywords":{"$seen":true}}', '%s', %d
                from account, generate_series(1, ?) where account_id = ?""";
        execute(insert.formatted("confirmed", 1), ended, account.value());
        execute(insert.formatted("applied", 1_000_000), applied, account.value());
    }

    /** Accounts of another tenant, which nobody syncs. */
    void addAccounts(int accounts, int emailsOfEach) throws SQLException {
        execute("insert into tenant (name) values ('scale')");
        execute("""
                insert into account (tenant_id, protocol, email, settings, status)
                select tenant_id, 'imap', 'scale-' || i || '@example.com', '{}', 'paused'
                from tenant, generate_series(1, ?) i where name = 'scale'""", accounts);
        execute("""
                insert into account_sync (account_id, tenant_id, initial_done, state)
                select account_id, tenant_id, true, 'idle' from account where status = 'paused'""");
        execute("""
                insert into mailbox (account_id, tenant_id, server_key, raw_name, name, path)
                select account_id, tenant_id, 'name:INBOX', 'INBOX', 'INBOX', 'INBOX' from account where status = 'paused'""");
        emails("where a.status = 'paused'", 1, emailsOfEach);
    }

    void analyze() throws SQLException {
        execute("vacuum analyze");
    }

    /** The id of the email with this UID. */
    static String emailId(AccountId account, int uid) {
        try {
            byte[] md5 = MessageDigest.getInstance("MD5")
                    .digest((account.toString() + uid).getBytes(StandardCharsets.US_ASCII));
            ByteBuffer octets = ByteBuffer.wrap(md5);
            return new UUID(octets.getLong(), octets.getLong()).toString();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has MD5", e);
        }
    }

    private void emails(String accounts, int first, int last) throws SQLException {
        execute("""
                insert into email (account_id, email_id, tenant_id, thread_id, message_id, size, received_at, keywords, headers, subject,
                                   has_attachment, preview)
                select a.account_id, md5(a.account_id::text || n)::uuid, a.tenant_id, md5('thread' || n)::uuid, 'scale-' || n, 1000 + n % 5000,
                       now() - interval '1000 days' + n * interval '1 minute', array['$seen'],
                       '{"messageId":[],"inReplyTo":[],"references":[],"sender":[],"from":[],"to":[],"cc":[],"bcc":[],"replyTo":[]}',
                       'One of many', false, 'A short text'
                from account a, generate_series(?, ?) n\s""" + accounts, first, last);
        execute("""
                insert into email_mailbox (account_id, mailbox_id, uid, email_id, tenant_id, uidvalidity, modseq, received_at)
                select a.account_id, m.mailbox_id, n, md5(a.account_id::text || n)::uuid, a.tenant_id, 1, 1,
                       now() - interval '1000 days' + n * interval '1 minute'
                from account a join mailbox m on m.account_id = a.account_id and m.name = 'INBOX', generate_series(?, ?) n\s""" + accounts, first, last);
    }

    private void execute(String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = database.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            statement.execute();
        }
    }
}
