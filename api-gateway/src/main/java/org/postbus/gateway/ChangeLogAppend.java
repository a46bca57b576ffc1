package org.postbus.gateway;

import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.Map;
import java.util.UUID;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent;
import org.postbus.change.Origin;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * Tells the world what became of what people asked for: rows of {@code change_log}, in the transaction in which it happens. That
 * transaction begins with {@link #lock}, as the writer's do: so nobody waits for anybody in a circle.
 */
public final class ChangeLogAppend {
    private ChangeLogAppend() {}

    public static Future<Void> lock(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery("select lock_account_sync($1)")
                .execute(Tuple.of(account.value()))
                .mapEmpty();
    }

    /** @param changes by the id of what changed, in the order in which they are told */
    public static Future<Void> append(
            SqlConnection connection, TenantId tenant, AccountId account, Map<UUID, ? extends Change> changes) {
        if (changes.isEmpty()) {
            return Future.succeededFuture();
        }
        return connection
                .preparedQuery("select append_changes($1, $2, $3, $4)")
                .execute(Tuple.tuple()
                        .addUUID(account.value())
                        .addArrayOfString(changes.values().stream()
                                .map(ChangeEvent::typeOf)
                                .toArray(String[]::new))
                        .addArrayOfUUID(changes.keySet().toArray(UUID[]::new))
                        .addArrayOfString(changes.values().stream()
                                .map(change -> EventCodec.encodeToString(
                                        new ChangeEvent(tenant, account, 0, new Origin.Server(), change)))
                                .toArray(String[]::new)))
                .mapEmpty();
    }
}
