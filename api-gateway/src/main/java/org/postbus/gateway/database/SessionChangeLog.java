package org.postbus.gateway.database;

import io.smallrye.mutiny.Uni;
import java.util.UUID;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.change.ChangeEvent;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.Origin;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * Calls the functions of the change log in a Hibernate session. The same as {@link org.postbus.kit.sql.ChangeLogAppend}, which needs a
 * connection of the SQL client.
 *
 * <p>A transaction that appends calls {@link #lock} before it touches any other row of the account, as the writer's transactions
 * do: all of them take their locks in the same order, and no two wait for each other.
 */
public final class SessionChangeLog {
    private SessionChangeLog() {}

    /** Locks the account's row of {@code account_sync} until the transaction ends. */
    public static Uni<Void> lock(Mutiny.Session session, AccountId account) {
        // The function returns void, which Hibernate can not read: hence the 1.
        return session.createNativeQuery("select 1 from lock_account_sync(cast(:account as uuid))", Integer.class)
                .setParameter("account", account.value())
                .getSingleResult()
                .replaceWithVoid();
    }

    /** @param object the id of the changed object */
    public static Uni<Void> append(
            Mutiny.Session session, TenantId tenant, AccountId account, UUID object, Change change) {
        // The function replaces the sequence number 0 by the one that it allocates.
        String event = EventCodec.encodeToString(new ChangeEvent(tenant, account, 0, new Origin.Server(), change));
        return session.createNativeQuery("""
                        select 1 from append_changes(cast(:account as uuid), array[cast(:type as text)],
                                                     array[cast(:object as uuid)], array[cast(:event as text)])""", Integer.class)
                .setParameter("account", account.value())
                .setParameter("type", ChangeEvent.typeOf(change))
                .setParameter("object", object)
                .setParameter("event", event)
                .getSingleResult()
                .replaceWithVoid();
    }
}
