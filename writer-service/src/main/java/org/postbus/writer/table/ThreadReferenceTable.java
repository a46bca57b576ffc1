package org.postbus.writer.table;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.writer.decide.Threads;

/**
 * {@code thread_reference}: the thread of each reference (see {@link Threads}); and {@code thread_alias}: the thread into which a thread has been
 * joined.
 */
public final class ThreadReferenceTable {
    private ThreadReferenceTable() {}

    /** Sends the query. {@link #threads} reads the answer. */
    public static Future<RowSet<Row>> query(Transaction transaction, AccountId account, Set<String> references) {
        return transaction.query("""
                select t.reference, coalesce(a.joined_into, t.thread_id) as thread_id from unnest($2::text[]) k(reference)
                cross join lateral (
                  select reference, thread_id from thread_reference
                  where account_id = $1 and reference between k.reference and k.reference order by reference offset 0) t
                left join lateral (
                  select joined_into from thread_alias
                  where account_id = $1 and thread_id between t.thread_id and t.thread_id order by thread_id offset 0) a
                on true""", account.value(), references.toArray(String[]::new));
    }

    /** The thread by reference; unknown references are left out. */
    public static Map<String, UUID> threads(RowSet<Row> rows) {
        Map<String, UUID> threads = new HashMap<>();
        rows.forEach(row -> threads.put(row.getString("reference"), row.getUUID("thread_id")));
        return threads;
    }

    public static void insert(Transaction transaction, TenantId tenant, AccountId account, Map<String, UUID> threads) {
        String[] references = threads.keySet().toArray(String[]::new);
        UUID[] ids = threads.values().toArray(UUID[]::new);
        transaction.send("""
                insert into thread_reference (account_id, tenant_id, reference, thread_id)
                select $1, $2, n.* from unnest($3::text[], $4::uuid[]) n""", account.value(), tenant.value(), references, ids);
    }

    /** @param joined the remaining thread by the thread that was joined into it */
    public static void join(Transaction transaction, TenantId tenant, AccountId account, Map<UUID, UUID> joined) {
        UUID[] gone = joined.keySet().toArray(UUID[]::new);
        UUID[] into = joined.values().toArray(UUID[]::new);
        transaction.send("""
                update thread_alias a set joined_into = n.joined_into
                from unnest($2::uuid[], $3::uuid[]) n(thread_id, joined_into)
                where a.account_id = $1 and a.joined_into = n.thread_id""", account.value(), gone, into);
        transaction.send("""
                insert into thread_alias (account_id, tenant_id, thread_id, joined_into)
                select $1, $2, n.* from unnest($3::uuid[], $4::uuid[]) n""", account.value(), tenant.value(), gone, into);
    }
}
