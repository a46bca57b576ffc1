package org.postbus.gateway.audit;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.List;
import org.hibernate.reactive.mutiny.Mutiny;

/** Appends entries in a transaction of the caller's: they are stored if and only if it commits. */
public final class AuditAppend {
    private AuditAppend() {}

    public static Future<Void> append(SqlConnection connection, List<AuditEntry> entries) {
        return connection
                .preparedQuery("select append_audit($1::text::jsonb)")
                .execute(Tuple.of(AuditEntry.json(entries)))
                .mapEmpty();
    }

    public static Uni<Void> append(Mutiny.Session session, AuditEntry entry) {
        // The function returns void, which Hibernate can not read: hence the 1.
        return session.createNativeQuery(
                        "select 1 from append_audit(cast(cast(:entries as text) as jsonb))", Integer.class)
                .setParameter("entries", AuditEntry.json(List.of(entry)))
                .getSingleResult()
                .replaceWithVoid();
    }
}
