package org.postbus.writer.table;

import static org.postbus.writer.table.Columns.column;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.MailboxRole;
import org.postbus.model.TenantId;
import org.postbus.observation.MailboxKey;
import org.postbus.writer.decide.StoredMailbox;

/** {@code mailbox}. An account has tens of mailboxes, rarely thousands. */
public final class MailboxTable {
    private static final String COLUMNS = """
            m.mailbox_id, m.server_key, m.raw_name, m.name, m.parent_id, m.path, m.role, m.sort_order, m.is_subscribed, m.selectable,
            m.total_emails, m.unread_emails""";

    private MailboxTable() {}

    /**
     * Sends the query. {@link #stored} reads the answer.
     *
     * @param keys empty: all mailboxes of the account
     * @return empty if none is wanted
     */
    public static Optional<Future<RowSet<Row>>> query(
            Transaction transaction, AccountId account, Optional<Set<MailboxKey>> keys) {
        if (keys.isEmpty()) {
            return Optional.of(transaction.query(
                    "select " + COLUMNS + " from mailbox m where m.account_id = $1", account.value()));
        }
        if (keys.get().isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(transaction.query(
                "select " + COLUMNS + """
                         from unnest($2::text[]) k(server_key)
                        cross join lateral (
                          select * from mailbox
                          where account_id = $1 and server_key between k.server_key and k.server_key
                          order by server_key offset 0) m""",
                account.value(),
                keys.get().stream().map(MailboxKey::value).toArray(String[]::new)));
    }

    public static List<StoredMailbox> stored(Transaction transaction, Optional<Future<RowSet<Row>>> answer) {
        List<StoredMailbox> mailboxes = new ArrayList<>();
        if (answer.isEmpty()) {
            return mailboxes;
        }
        for (Row row : transaction.rows(answer.get())) {
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
