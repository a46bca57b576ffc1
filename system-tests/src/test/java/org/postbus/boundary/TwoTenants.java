package org.postbus.boundary;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.UUID;
import org.postbus.devstack.postgres.Database;

/** A database in which two tenants have one account each, with a row in every table that tenants have. */
record TwoTenants(Database database, Rows ours, Rows theirs) {
    private static final String FILL = """
            with t as (insert into tenant (name) values ('boundary') returning tenant_id),
            a as (insert into account (tenant_id, protocol, email, settings) select tenant_id, 'imap', 'a@example.com', '{}' from t
                  returning account_id, tenant_id),
            e as (select account_id, tenant_id, uuidv7() as email_id, uuidv7() as mailbox_id, uuidv7() as thread_id from a),
            k as (insert into api_key (key_hash, tenant_id, name)
                  select sha256(convert_to(tenant_id::text, 'UTF8')), tenant_id, 'key' from t),
            c as (insert into credential (account_id, kind, tenant_id, ciphertext) select account_id, 'password', tenant_id, 'x' from a),
            s as (insert into account_sync (account_id, tenant_id) select account_id, tenant_id from a),
            p as (insert into sync_pass (account_id, tenant_id, number) select account_id, tenant_id, 1 from a),
            h as (insert into outbound_hold (account_id, queue, tenant_id, revision, reason, error, next_try_at)
                  select account_id, 'mutations', tenant_id, 1, 'unreachable', 'e', now() from a),
            w as (insert into sync_wait (account_id, tenant_id, fence, since) select account_id, tenant_id, 1, now() from a),
            st as (insert into sync_state (account_id, scope, tenant_id, cursor) select account_id, 's', tenant_id, '{}' from a),
            l as (insert into sync_log (account_id, tenant_id, started_at, finished_at) select account_id, tenant_id, now(), now() from a),
            q as (insert into quarantine (account_id, tenant_id, topic, partition, record_offset, value, reason)
                  select account_id, tenant_id, 't', 0, 0, '', 'r' from a),
            qe as (insert into quarantined_email (account_id, tenant_id, jmap_id, reason, state, refusals, retries, first_failed_at,
                                                  last_failed_at, next_try_at)
                   select account_id, tenant_id, 'j', 'r', 'deferred', 1, 0, now(), now(), now() from a),
            m as (insert into mailbox (account_id, mailbox_id, tenant_id, server_key, name, path)
                  select account_id, mailbox_id, tenant_id, 'name:INBOX', 'INBOX', 'INBOX' from e),
            em as (insert into email (account_id, email_id, tenant_id, thread_id, size, received_at, headers, has_attachment, preview)
                   select account_id, email_id, tenant_id, thread_id, 1, now(), '{}', false, '' from e),
            l2 as (insert into email_mailbox (account_id, mailbox_id, email_id, tenant_id, received_at)
                   select account_id, mailbox_id, email_id, tenant_id, now() from e),
            b as (insert into email_body (account_id, email_id, tenant_id, body) select account_id, email_id, tenant_id, '{}' from e),
            at as (insert into attachment (account_id, email_id, part_id, tenant_id, type, size)
                   select account_id, email_id, '2', tenant_id, 'text/plain', 1 from e),
            r as (insert into thread_reference (account_id, reference, thread_id, tenant_id)
                  select account_id, 'r', thread_id, tenant_id from e),
            al as (insert into thread_alias (account_id, thread_id, joined_into, tenant_id)
                   select account_id, uuidv7(), thread_id, tenant_id from e),
            g as (insert into change_log (account_id, seq, tenant_id, type, data) select account_id, 1, tenant_id, 'x', '{}' from a),
            o as (insert into change_outbox (account_id, first_seq, last_seq, tenant_id) select account_id, 1, 1, tenant_id from a),
            pc as (insert into pending_changes (account_id, tenant_id, email_id, kind)
                   select account_id, tenant_id, email_id, 'update' from e),
            su as (insert into submission (account_id, tenant_id, message, size, message_id, mail_from, recipients)
                   select account_id, tenant_id, 'x', 1, 'm', 'a@example.com', array['b@example.com'] from a),
            i as (insert into idempotency_key (tenant_id, key, fingerprint, answer) select tenant_id, 'k', 'f', '{}' from t)
            select tenant_id, account_id, email_id, mailbox_id from e""";

    record Rows(UUID tenant, UUID account, UUID email, UUID mailbox) {}

    static TwoTenants in(Database database) throws SQLException {
        try (Connection connection = database.connectAsAdmin()) {
            TwoTenants filled = new TwoTenants(database, fill(connection), fill(connection));
            // The message has no foreign key: with it the mailbox must be there first.
            for (Rows rows : new Rows[] {filled.ours, filled.theirs}) {
                try (PreparedStatement insert = connection.prepareStatement(
                        "insert into quarantined_message (account_id, tenant_id, mailbox_id, uidvalidity, uid, reason) values (?, ?, ?, 1, 1, 'r')")) {
                    insert.setObject(1, rows.account());
                    insert.setObject(2, rows.tenant());
                    insert.setObject(3, rows.mailbox());
                    insert.executeUpdate();
                }
            }
            return filled;
        }
    }

    private static Rows fill(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(FILL);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return new Rows(
                    row.getObject(1, UUID.class),
                    row.getObject(2, UUID.class),
                    row.getObject(3, UUID.class),
                    row.getObject(4, UUID.class));
        }
    }
}
