package org.postbus.gateway.database;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.function.Function;
import java.util.function.Supplier;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.model.TenantId;

/**
 * The only way to the tables: a transaction that has named its tenant before anything else, so row-level security shows
 * that tenant's rows and no others. Mapped rows are read with Hibernate Reactive; the few tables that the gateway owns are
 * written with SQL, because their loops run outside of any request.
 *
 * <p>Both ways go on to their end when the caller's HTTP connection breaks: a transaction that is cancelled while it waits
 * for a connection would lose that connection to the pool for ever.
 */
@ApplicationScoped
public class Database {
    private final Mutiny.SessionFactory sessions;
    private final Pool pool;

    Database(Mutiny.SessionFactory sessions, Pool pool) {
        this.sessions = sessions;
        this.pool = pool;
    }

    /**
     * Sees one moment, however many statements it takes: the writer ends a wish and stores its echo at once, and who read the one before
     * and the other after that would find neither. Must be called on a Vert.x context: Hibernate Reactive keeps the session there.
     */
    public <T> Uni<T> read(TenantId tenant, Function<Mutiny.Session, Uni<T>> work) {
        return uncancellable(() -> sessions.withTransaction(session -> session.setDefaultReadOnly(true)
                .createNativeQuery("set transaction isolation level repeatable read, read only")
                .executeUpdate()
                .chain(() -> session.createNativeQuery("select set_config('app.tenant', :tenant, true)", String.class)
                        .setParameter("tenant", tenant.toString())
                        .getSingleResult())
                .chain(() -> work.apply(session))));
    }

    /** May be called from anywhere; what it returns completes on an event loop. */
    public <T> Uni<T> transaction(TenantId tenant, Function<SqlConnection, Future<T>> work) {
        return Uni.createFrom().completionStage(() -> future(tenant, work).toCompletionStage());
    }

    /** The same for loops and routes that speak Vert.x. */
    public <T> Future<T> future(TenantId tenant, Function<SqlConnection, Future<T>> work) {
        return pool.withTransaction(connection -> connection
                .preparedQuery("select set_config('app.tenant', $1, true)")
                .execute(Tuple.of(tenant.toString()))
                .compose(named -> work.apply(connection)));
    }

    private static <T> Uni<T> uncancellable(Supplier<Uni<T>> work) {
        return Uni.createFrom().emitter(emitter -> work.get().subscribe().with(emitter::complete, emitter::fail));
    }
}
