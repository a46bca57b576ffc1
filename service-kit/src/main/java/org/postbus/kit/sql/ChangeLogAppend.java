package org.postbus.kit.sql;

import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.Map;
import java.util.UUID;
import org.postbus.change.ChangeEvent;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.Origin;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * Appends rows to {@code change_log} in the caller's transaction, by the function {@code append_changes}, which gives them the account's next
 * sequence numbers. For services other than the writer, which has its own path for many rows.
 *
 * <p>A transaction that appends calls {@link #lock} before it touches any other row of the account, as the writer's transactions do. All of
 * them then take their locks in the same order, and no two wait for each other.
 */
public final class ChangeLogAppend {
    private ChangeLogAppend() {}

    /** Locks the account's row of {@code account_sync} until the transaction ends. */
    public static Future<Void> lock(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery("select lock_account_sync($1)")
                .execute(Tuple.of(account.value()))
                .mapEmpty();
    }

    /** @param changes by the id of the changed object, in the order of their sequence numbers; may be empty */
    public static Future<Void> append(
            SqlConnection connection, TenantId tenant, AccountId account, Map<UUID, ? extends Change> changes) {
        if (changes.isEmpty()) {
            return Future.succeededFuture();
        }
        String[] types = changes.values().stream().map(ChangeEvent::typeOf).toArray(String[]::new);
        // The function replaces the sequence number 0 by the one that it allocates.
        String[] events = changes.values().stream()
                .map(change ->
                        EventCodec.encodeToString(new ChangeEvent(tenant, account, 0, new Origin.Server(), change)))
                .toArray(String[]::new);
        return connection
                .preparedQuery("select append_changes($1, $2, $3, $4)")
                .execute(Tuple.tuple()
                        .addUUID(account.value())
                        .addArrayOfString(types)
                        .addArrayOfUUID(changes.keySet().toArray(UUID[]::new))
                        .addArrayOfString(events))
                .mapEmpty();
    }
}
