package org.postbus.writer.table;

import static org.postbus.writer.table.Columns.column;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.MailboxRole;
import org.postbus.model.TenantId;
import org.postbus.observation.MailboxKey;
import org.postbus.writer.decide.StoredMailbox;

/** {@code mailbox}. An account has tens of mailboxes, rarely thousands, so all of them are read. */
public final class MailboxTable {
    private MailboxTable() {}

    /** Sends the query. {@link #all} reads the answer. */
    public static Future<RowSet<Row>> queryAll(Transaction transaction, AccountId account) {
        return transaction.query("""
                select mailbox_id, server_key, raw_name, name, parent_id, path, role, sort_order, is_subscribed, selectable,
                       total_emails, unread_emails
                from mailbox where account_id = $1""", account.value());
    }

    public static List<StoredMailbox> all(RowSet<Row> answer) {
        List<StoredMailbox> mailboxes = new ArrayList<>();
        for (Row row : answer) {
            mailboxes.add(new StoredMailbox(
                    row.getUUID("mailbox_id"),
                    MailboxKey.of(row.getString("server_key")),
                    Optional.ofNullable(row.getString("raw_name")),
                    row.getString("name"),
                    Optional.ofNullable(row.getUUID("parent_id")),
                    row.getString("path"),
                    Optional.ofNullable(row.getString("role")).flatMap(MailboxRole::find),
                    row.getLong("sort_order"),
                    row.getBoolean("is_subscribed"),
                    row.getBoolean("selectable"),
                    row.getLong("total_emails"),
                    row.getLong("unread_emails")));
        }
        return mailboxes;
    }

    /** One statement, so that two mailboxes may exchange their keys: uniqueness is checked at its end. */
    public static void save(Transaction transaction, TenantId tenant, AccountId account, List<StoredMailbox> rows) {
        transaction.send(
                """
                insert into mailbox as m (account_id, tenant_id, mailbox_id, server_key, raw_name, name, parent_id, path, role,
                                          sort_order, is_subscribed, selectable, total_emails, unread_emails)
                select $1, $2, n.* from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[],
                    $9::text[], $10::bigint[], $11::boolean[], $12::boolean[], $13::bigint[], $14::bigint[]) n
                on conflict (account_id, mailbox_id) do update set
                  server_key = excluded.server_key, raw_name = excluded.raw_name, name = excluded.name,
                  parent_id = excluded.parent_id, path = excluded.path, role = excluded.role,
                  sort_order = excluded.sort_order, is_subscribed = excluded.is_subscribed,
                  selectable = excluded.selectable, total_emails = excluded.total_emails,
                  unread_emails = excluded.unread_emails""",
                account.value(),
                tenant.value(),
                column(rows, StoredMailbox::id, UUID[]::new),
                column(rows, row -> row.key().value(), String[]::new),
                column(rows, row -> row.rawName().orElse(null), String[]::new),
                column(rows, StoredMailbox::name, String[]::new),
                column(rows, row -> row.parentId().orElse(null), UUID[]::new),
                column(rows, StoredMailbox::path, String[]::new),
                column(rows, row -> row.role().map(MailboxRole::wireName).orElse(null), String[]::new),
                column(rows, StoredMailbox::sortOrder, Long[]::new),
                column(rows, StoredMailbox::isSubscribed, Boolean[]::new),
                column(rows, StoredMailbox::selectable, Boolean[]::new),
                column(rows, StoredMailbox::totalEmails, Long[]::new),
                column(rows, StoredMailbox::unreadEmails, Long[]::new));
    }

    public static void delete(Transaction transaction, AccountId account, UUID mailbox) {
        transaction.send("delete from mailbox where account_id = $1 and mailbox_id = $2", account.value(), mailbox);
    }
}
