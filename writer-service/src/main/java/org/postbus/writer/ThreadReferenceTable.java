package org.postbus.writer;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** {@code thread_reference}: which thread a message id or a server's thread id belongs to. */
final class ThreadReferenceTable {
    private ThreadReferenceTable() {}

    static Future<RowSet<Row>> ask(Transaction transaction, AccountId account, Set<String> references) {
        return transaction.ask("""
                select t.reference, t.thread_id from unnest($2::text[]) k(reference)
                cross join lateral (
                  select reference, thread_id from thread_reference
                  where account_id = $1 and reference between k.reference and k.reference order by reference offset 0) t""", account.value(), references.toArray(String[]::new));
    }

    static Map<String, UUID> threads(RowSet<Row> rows) {
        Map<String, UUID> threads = new HashMap<>();
        rows.forEach(row -> threads.put(row.getString("reference"), row.getUUID("thread_id")));
        return threads;
    }

    static void insert(Transaction transaction, TenantId tenant, AccountId account, Map<String, UUID> threads) {
        String[] references = threads.keySet().toArray(String[]::new);
        UUID[] ids = threads.values().toArray(UUID[]::new);
        transaction.send("""
                insert into thread_reference (account_id, tenant_id, reference, thread_id)
                select $1, $2, n.* from unnest($3::text[], $4::uuid[]) n""", account.value(), tenant.value(), references, ids);
    }
}
