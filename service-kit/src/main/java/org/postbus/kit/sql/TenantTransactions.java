package org.postbus.kit.sql;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.kit.concurrent.TenantPermits;
import org.postbus.model.TenantId;

/**
 * Transactions that carry their tenant: each sets {@code app.tenant} before anything else, so that row-level security shows the rows of that
 * tenant and no others. Commits when the work succeeds, rolls back when it fails.
 *
 * <p>Statements are pipelined: {@code begin}, {@code set_config} and the work's statements are sent without waiting for each other. PostgreSQL
 * runs them in order and none after one that failed. The pool's own futures are used, which can not be cancelled: a transaction runs to its
 * end even if its caller stops waiting, and no connection is lost.
 *
 * <p>The same transaction in four forms:
 * <ul>
 *   <li>{@link #future} and {@link #uni} for event loops; they fail with what the driver or the work failed with.
 *   <li>{@link #run} and {@link #runInterruptibly} for virtual threads whose work composes futures.
 *   <li>{@link #call} for virtual threads whose work blocks; it alone distinguishes data that PostgreSQL can not hold from other failures, and sends
 *       {@code commit} without waiting for the answers to the work's last statements.
 * </ul>
 */
public final class TenantTransactions {
    private static final String NO_TENANT = "";

    private final Pool pool;
    private final Limits limits;
    private final Optional<FairPermits<String>> permits;
    private final Optional<TenantPermits> ofTenants;

    /**
     * Limits of time and number.
     *
     * @param answerMax how long the caller waits: the blocking forms for one answer or transaction, {@link #future} and {@link #uni} for the
     *     whole transaction and its turn. Above the statement timeout, after which PostgreSQL answers by itself, unless the caller must have an
     *     answer of ours sooner
     * @param statementTimeout replaces the role's {@code statement_timeout} for each transaction
     * @param atOnceMax transactions of the blocking forms at once, shared fairly by the tenants ({@link FairPermits}). The others wait for as
     *     long as it takes, where the pool's own queue would fail all of them together at its time limit. 0: no limit but the pool's
     * @param perTenant bounds the transactions of one tenant that have futures; the others wait, and beyond that fail with {@link
     *     TenantBusyException}
     */
    public record Limits(
            Duration answerMax, Optional<Duration> statementTimeout, int atOnceMax, Optional<PerTenant> perTenant) {
        private record PerTenant(int atOnceMax, int waitingMax) {}

        /** 60 s for an answer; statement timeout and number as the role and the pool say. */
        public static final Limits DEFAULT = new Limits(Duration.ofSeconds(60), Optional.empty(), 0, Optional.empty());

        private static final Duration NETWORK_MAX = Duration.ofSeconds(15);

        /** Waits 15 s longer than that for an answer. */
        public Limits withStatementTimeout(Duration timeout) {
            return new Limits(timeout.plus(NETWORK_MAX), Optional.of(timeout), atOnceMax, perTenant);
        }

        public Limits withAnswerMax(Duration time) {
            return new Limits(time, statementTimeout, atOnceMax, perTenant);
        }

        public Limits withAtOnceMax(int transactions) {
            return new Limits(answerMax, statementTimeout, transactions, perTenant);
        }

        /** For {@link #future} and {@link #uni}, whose callers do not block. */
        public Limits withPerTenantMax(int atOnce, int waiting) {
            return new Limits(answerMax, statementTimeout, atOnceMax, Optional.of(new PerTenant(atOnce, waiting)));
        }
    }

    public TenantTransactions(Pool pool) {
        this(pool, Limits.DEFAULT);
    }

    public TenantTransactions(Pool pool, Limits limits) {
        this(pool, limits, waited -> {});
    }

    /** @param waited is given the time that each transaction waited for its turn; must not block */
    public TenantTransactions(Pool pool, Limits limits, Consumer<Duration> waited) {
        this(
                pool,
                limits,
                limits.atOnceMax() == 0 ? Optional.empty() : Optional.of(new FairPermits<>(limits.atOnceMax(), waited)),
                limits.perTenant().map(max -> new TenantPermits(max.atOnceMax(), max.waitingMax())));
    }

    private TenantTransactions(
            Pool pool, Limits limits, Optional<FairPermits<String>> permits, Optional<TenantPermits> ofTenants) {
        this.pool = pool;
        this.limits = limits;
        this.permits = permits;
        this.ofTenants = ofTenants;
    }

    /** The same pool and turns for work whose caller waits longer, such as a background job. */
    public TenantTransactions withAnswerMax(Duration time) {
        return new TenantTransactions(pool, limits.withAnswerMax(time), permits, ofTenants);
    }

    /**
     * Never blocks; may be called from any thread. The result completes on an event loop, or after the time limit on another thread that must
     * not be blocked.
     *
     * <p>With {@link Limits#withPerTenantMax} the work must not begin another transaction of the tenant.
     *
     * <p>Fails with an {@link InfrastructureFailureException} after {@link Limits#answerMax}. The transaction may still commit then.
     *
     * @param work must fail if one of its statements fails: PostgreSQL then answers the commit with a rollback and no error
     */
    public <T> Future<T> future(TenantId tenant, Function<SqlConnection, Future<T>> work) {
        if (ofTenants.isEmpty()) {
            return inTime(future(tenant.toString(), work));
        }
        TenantPermits turns = ofTenants.get();
        Promise<T> result = Promise.promise();
        Runnable start = () -> future(tenant.toString(), work).onComplete(done -> {
            turns.leave(tenant);
            result.handle(done);
        });
        if (!turns.enter(tenant, start)) {
            return Future.failedFuture(
                    new TenantBusyException(limits.perTenant().orElseThrow().waitingMax()));
        }
        return inTime(result.future()).onFailure(failure -> turns.abandon(tenant, start));
    }

    /** As {@link #future}, for transactions that begin before a tenant is known or that set several: {@code app.tenant} is empty. */
    public <T> Future<T> futureWithoutTenant(Function<SqlConnection, Future<T>> work) {
        return inTime(future(NO_TENANT, work));
    }

    private <T> Future<T> inTime(Future<T> answer) {
        return answer.timeout(limits.answerMax().toMillis(), TimeUnit.MILLISECONDS)
                .recover(failure -> Future.failedFuture(
                        failure instanceof TimeoutException late
                                ? new InfrastructureFailureException(
                                        "the database did not answer within "
                                                + limits.answerMax().toSeconds() + " s",
                                        late)
                                : failure));
    }

    /** As {@link #future}. Begins at the subscription; cancelling it does not stop the transaction. */
    public <T> Uni<T> uni(TenantId tenant, Function<SqlConnection, Future<T>> work) {
        return Uni.createFrom().completionStage(() -> future(tenant, work).toCompletionStage());
    }

    /**
     * Blocks a virtual thread until the transaction has ended.
     *
     * @throws InfrastructureFailureException if it failed, whatever with. An interruption is such a failure, and the thread stays interrupted
     */
    public <T> T run(TenantId tenant, Function<SqlConnection, Future<T>> work) {
        try {
            return runInterruptibly("the database did not answer", tenant, work);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfrastructureFailureException("interrupted while waiting for the database", e);
        }
    }

    /**
     * Blocks a virtual thread until the transaction has ended.
     *
     * @param what names the work in the failure's message: "claiming an account"
     * @throws InfrastructureFailureException if it failed, whatever with
     */
    public <T> T runInterruptibly(String what, TenantId tenant, Function<SqlConnection, Future<T>> work)
            throws InterruptedException {
        try (Turn turn = turn(tenant.toString())) {
            return Await.infrastructure(what, future(tenant, work), limits.answerMax());
        }
    }

    /**
     * Runs one statement outside of any tenant and blocks a virtual thread until it has ended: for functions of the database that may read rows
     * of all tenants.
     *
     * @throws InfrastructureFailureException as {@link #run}
     */
    public RowSet<Row> query(String sql, Tuple parameters) {
        try {
            return Await.infrastructure(
                    "the database did not answer", pool.preparedQuery(sql).execute(parameters), limits.answerMax());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfrastructureFailureException("interrupted while waiting for the database", e);
        }
    }

    /**
     * Runs blocking work in one transaction on the caller's virtual thread.
     *
     * @throws InfrastructureFailureException if the database can not be reached, is busy or answers too late. Nothing has been changed,
     *     unless the failure was that of the commit: then it is unknown
     * @throws UnstorableDataException if PostgreSQL can not hold the data; nothing has been changed
     */
    public <T> T call(TenantId tenant, Function<Transaction, T> work) {
        return call(tenant.toString(), work);
    }

    /** As {@link #call}, before a tenant is known: {@code app.tenant} is empty, row-level security shows no rows. */
    public <T> T callWithoutTenant(Function<Transaction, T> work) {
        return call(NO_TENANT, work);
    }

    private <T> Future<T> future(String tenant, Function<SqlConnection, Future<T>> work) {
        return pool.withConnection(connection -> {
            Future<?> begun = begin(connection, tenant);
            Future<T> worked = Future.succeededFuture(connection).compose(work::apply);
            return Future.join(begun, worked)
                    .compose(
                            done -> connection.query("commit").execute().map(committed -> worked.result()),
                            failure -> connection
                                    .query("rollback")
                                    .execute()
                                    .transform(rolledBack -> Future.failedFuture(failure)));
        });
    }

    private <T> T call(String tenant, Function<Transaction, T> work) {
        try (Turn turn = turn(tenant)) {
            return call(connection(), tenant, work);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfrastructureFailureException("interrupted while waiting for the database", e);
        }
    }

    /** A connection that comes when nobody waits for it any more goes back to the pool. */
    private SqlConnection connection() {
        Future<SqlConnection> requested = pool.getConnection();
        try {
            return Transaction.await(requested, limits.answerMax());
        } catch (RuntimeException e) {
            requested.onSuccess(SqlConnection::close);
            throw e;
        }
    }

    /**
     * The connection goes back to the pool when the last statement has been answered. One that is never answered does not go back: it is closed, see
     * {@link PostgresSettings}.
     */
    private <T> T call(SqlConnection connection, String tenant, Function<Transaction, T> work) {
        Future<?> begun = begin(connection, tenant);
        Transaction transaction = new Transaction(connection, limits.answerMax());
        T result;
        try {
            result = work.apply(transaction);
        } catch (RuntimeException | Error e) {
            rollBack(connection, e);
            throw e;
        }
        // Sent before the answers are there: if a statement failed, PostgreSQL treats it as a rollback, and the wait
        // below reports the failure.
        Future<?> committed = connection.query("commit").execute();
        committed.onComplete(answered -> connection.close());
        Transaction.await(begun, limits.answerMax());
        transaction.settle();
        Transaction.await(committed, limits.answerMax());
        return result;
    }

    /** Sends {@code begin} and the transaction's settings. Fails with what the first of them that failed failed with. */
    private Future<?> begin(SqlConnection connection, String tenant) {
        Future<?> begun = connection.query("begin").execute();
        Future<?> configured = limits.statementTimeout()
                .map(timeout -> connection
                        .preparedQuery(
                                "select set_config('app.tenant', $1, true), set_config('statement_timeout', $2, true)")
                        .execute(Tuple.of(tenant, timeout.toMillis() + "ms")))
                .orElseGet(() -> connection
                        .preparedQuery("select set_config('app.tenant', $1, true)")
                        .execute(Tuple.of(tenant)));
        return Future.join(begun, configured);
    }

    private void rollBack(SqlConnection connection, Throwable cause) {
        Future<?> rolledBack = connection.query("rollback").execute();
        rolledBack.onComplete(answered -> connection.close());
        try {
            Transaction.await(rolledBack, limits.answerMax());
        } catch (RuntimeException e) {
            // The connection is gone, and the transaction with it.
            cause.addSuppressed(e);
        }
    }

    /** One of the transactions at once. */
    private interface Turn extends AutoCloseable {
        @Override
        void close();
    }

    private Turn turn(String tenant) throws InterruptedException {
        return permits.isPresent() ? permits.get().acquire(tenant)::close : () -> {};
    }
}
