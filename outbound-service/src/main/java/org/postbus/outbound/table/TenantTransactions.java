package org.postbus.outbound.table;

import io.vertx.core.Future;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.postbus.model.TenantId;

/**
 * The database, as virtual threads see it. Each transaction names its tenant first: row-level security shows it nothing else.
 * The pool's own futures are used, which can not be cancelled half-way, so no connection leaks.
 */
public final class TenantTransactions {
    /** Above the roles' statement_timeout of 15 s and the time to get a connection. */
    private static final Duration TRANSACTION_TIME_MAX = Duration.ofSeconds(60);

    private final Pool pool;

    public TenantTransactions(Pool pool) {
        this.pool = pool;
    }

    /** @throws DatabaseException if the database is away or refuses; then nothing of it was done, or it is not known */
    public <T> T run(TenantId tenant, Function<SqlConnection, Future<T>> work) {
        return await(pool.withConnection(connection -> inTransaction(connection, tenant, work)));
    }

    /** Statements go out without waiting for each other. PostgreSQL runs them in order, and none that comes after one that failed. */
    private static <T> Future<T> inTransaction(
            SqlConnection connection, TenantId tenant, Function<SqlConnection, Future<T>> work) {
        Future<?> begun = connection.query("begin").execute();
        Future<?> named = connection
                .preparedQuery("select set_config('app.tenant', $1, true)")
                .execute(Tuple.of(tenant.toString()));
        Future<T> worked = Future.succeededFuture(connection).compose(work::apply);
        return Future.join(begun, named, worked)
                .compose(
                        done -> connection.query("commit").execute().map(committed -> worked.result()),
                        failure ->
                                connection.query("rollback").execute().transform(over -> Future.failedFuture(failure)));
    }

    /** Outside of any tenant: for the functions that are allowed to look across. */
    public RowSet<Row> query(String sql, Tuple parameters) {
        return await(pool.preparedQuery(sql).execute(parameters));
    }

    private static <T> T await(Future<T> result) {
        try {
            return result.toCompletionStage()
                    .toCompletableFuture()
                    .get(TRANSACTION_TIME_MAX.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new DatabaseException(e.getCause());
        } catch (TimeoutException e) {
            throw new DatabaseException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DatabaseException(e);
        }
    }

    /** The database did not do it. */
    public static final class DatabaseException extends RuntimeException {
        private static final long serialVersionUID = 1;

        DatabaseException(Throwable cause) {
            super("the database did not answer: " + cause.getMessage(), cause);
        }
    }
}
