package org.postbus.gateway.database;

import io.quarkus.vertx.core.runtime.context.VertxContextSafetyToggle;
import io.smallrye.common.vertx.VertxContext;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.UniEmitter;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.gateway.problem.Problem;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.TenantPermits;
import org.postbus.model.TenantId;

/**
 * Transactions of Hibernate Reactive. Each sets {@code app.tenant} before anything else, so that row-level security shows the
 * rows of that tenant and no others.
 *
 * <p>Hibernate Reactive keeps the open session in the Vert.x context and uses it again for everything that runs there. Each
 * transaction therefore gets a context of its own: a request may run two of them at a time, and both methods may be called from
 * any thread. Within a transaction the work must be one chain: branches of it would share the session.
 *
 * <p>A tenant's transactions get half of the connections at most. The others of it wait, so the work of a transaction must not begin another one.
 *
 * <p>The caller has an answer within {@link PoolLimits#ANSWER_MAX}, whatever the database does.
 *
 * <p>A transaction runs to its end even if its caller cancels, for instance because the HTTP connection broke: one that was
 * cancelled while it waited for a connection would take that connection from the pool for ever, a defect of
 * Hibernate Reactive.
 */
@ApplicationScoped
public class Sessions {
    /** Half of the pool. */
    private static final int PER_TENANT_MAX = PoolLimits.CONNECTIONS_MAX / 2;

    private static final int WAITING_PER_TENANT_MAX = 500;
    private static final Duration RETRY = Duration.ofSeconds(2);

    private final Mutiny.SessionFactory factory;
    private final Vertx vertx;
    private final TenantPermits permits = new TenantPermits(PER_TENANT_MAX, WAITING_PER_TENANT_MAX);

    Sessions(Mutiny.SessionFactory factory, Vertx vertx) {
        this.factory = factory;
        this.vertx = vertx;
    }

    /**
     * All statements see the same snapshot. The writer confirms a mutation and stores its effect in one transaction: a reader
     * whose statements saw different snapshots could see neither.
     */
    public <T> Uni<T> read(TenantId tenant, Function<Mutiny.Session, Uni<T>> work) {
        return onOwnContext(
                tenant,
                () -> factory.withTransaction(session -> session.setDefaultReadOnly(true)
                        .createNativeQuery("set transaction isolation level repeatable read, read only")
                        .executeUpdate()
                        .chain(() -> setTenant(session, tenant))
                        .chain(() -> work.apply(session))));
    }

    /** Commits what the work did if it succeeds, and rolls back if it fails. Entities are written at the commit at the latest. */
    public <T> Uni<T> write(TenantId tenant, Function<Mutiny.Session, Uni<T>> work) {
        return onOwnContext(
                tenant,
                () -> factory.withTransaction(
                        session -> setTenant(session, tenant).chain(() -> work.apply(session))));
    }

    private static Uni<String> setTenant(Mutiny.Session session, TenantId tenant) {
        return session.createNativeQuery("select set_config('app.tenant', :tenant, true)", String.class)
                .setParameter("tenant", tenant.toString())
                .getSingleResult();
    }

    private <T> Uni<T> onOwnContext(TenantId tenant, Supplier<Uni<T>> work) {
        return Uni.createFrom().emitter(emitter -> {
            Context callers = vertx.getOrCreateContext();
            Runnable start = () -> {
                Context own = VertxContext.createNewDuplicatedContext(callers);
                VertxContextSafetyToggle.setContextSafe(own, true);
                own.runOnContext(started -> Uni.createFrom()
                        .deferred(work::get)
                        .subscribe()
                        .with(
                                result -> {
                                    permits.leave(tenant);
                                    emitter.complete(result);
                                },
                                failure -> {
                                    permits.leave(tenant);
                                    emitter.fail(failure);
                                }));
            };
            if (permits.enter(tenant, start)) {
                answerInTime(tenant, start, emitter);
            } else {
                emitter.fail(Problem.tooMany(
                        "the limit of " + WAITING_PER_TENANT_MAX
                                + " requests that wait for the database is reached; send fewer at a time",
                        RETRY));
            }
        });
    }

    /** A transaction that does not end keeps its connection and its permit until the connection is closed. Its caller does not wait for that. */
    private void answerInTime(TenantId tenant, Runnable start, UniEmitter<?> emitter) {
        long timer = vertx.setTimer(PoolLimits.ANSWER_MAX.toMillis(), late -> {
            permits.abandon(tenant, start);
            emitter.fail(new InfrastructureFailureException(
                    "the database did not answer within " + PoolLimits.ANSWER_MAX.toSeconds() + " s",
                    new TimeoutException()));
        });
        emitter.onTermination(() -> vertx.cancelTimer(timer));
    }
}
