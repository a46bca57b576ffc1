package org.postbus.writer.table;

import java.util.Iterator;
import java.util.Optional;
import org.postbus.codec.EventCodec;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.Cursor;
import org.postbus.observation.SyncScope;

/** {@code sync_state}: the cursors, stored in the same transaction as the rows that they describe. */
public final class SyncStateTable {
    private SyncStateTable() {}

    public static void save(
            Transaction transaction, TenantId tenant, AccountId account, SyncScope scope, Cursor cursor) {
        transaction.send("""
                insert into sync_state as s (account_id, tenant_id, scope, cursor) values ($1, $2, $3, $4::text::jsonb)
                on conflict (account_id, scope) do update set cursor = excluded.cursor, updated_at = now()
                where s.cursor is distinct from excluded.cursor""", account.value(), tenant.value(), scope.value(), EventCodec.encodeToString(cursor));
    }

    public static Optional<Cursor> find(Transaction transaction, AccountId account, SyncScope scope) {
        Iterator<io.vertx.sqlclient.Row> rows = transaction
                .run(
                        "select cursor::text as cursor from sync_state where account_id = $1 and scope = $2",
                        account.value(),
                        scope.value())
                .iterator();
        return rows.hasNext()
                ? Optional.of(EventCodec.decode(rows.next().getString("cursor"), Cursor.class))
                : Optional.empty();
    }

    public static void delete(Transaction transaction, AccountId account, SyncScope scope) {
        transaction.send("delete from sync_state where account_id = $1 and scope = $2", account.value(), scope.value());
    }

    /** A renamed mailbox keeps its cursor, because its messages keep their UIDs. */
    public static void move(Transaction transaction, AccountId account, SyncScope from, SyncScope to) {
        delete(transaction, account, to);
        transaction.send(
                "update sync_state set scope = $3 where account_id = $1 and scope = $2",
                account.value(),
                from.value(),
                to.value());
    }
}
