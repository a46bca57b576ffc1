package org.postbus.kit.sql;

import io.vertx.core.Future;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.postbus.kit.InfrastructureFailureException;

/**
 * One open transaction, used by one virtual thread. Statements are sent without waiting for the answers of earlier ones, and PostgreSQL runs
 * them in the order in which they were sent; the thread waits only where it needs rows.
 *
 * <p>Every method that waits throws {@link UnstorableDataException} if PostgreSQL can not hold the data, and {@link
 * InfrastructureFailureException} for every other failure. An interruption is an infrastructure failure; the thread stays interrupted.
 */
public final class Transaction {
    private final SqlConnection connection;
    private final Duration answerMax;
    private final List<Future<RowSet<Row>>> sent = new ArrayList<>();

    Transaction(SqlConnection connection, Duration answerMax) {
        this.connection = connection;
        this.answerMax = answerMax;
    }

    /** Sends a statement whose rows are not needed. Its failure is reported by the next method that waits. */
    public void send(String sql, Object... parameters) {
        sent.add(query(sql, parameters));
    }

    /** Sends a statement; {@link #rows} waits for its rows. */
    public Future<RowSet<Row>> query(String sql, Object... parameters) {
        return connection.preparedQuery(sql).execute(Tuple.wrap(parameters));
    }

    /** Sends a statement and waits for its rows. */
    public RowSet<Row> run(String sql, Object... parameters) {
        return rows(query(sql, parameters));
    }

    /** Waits for the rows of a statement. The failure of an earlier statement is reported first, because it is the cause of this one's. */
    public RowSet<Row> rows(Future<RowSet<Row>> answer) {
        settle();
        return await(answer, answerMax);
    }

    /** Waits until every statement given to {@link #send} has succeeded. */
    public void settle() {
        for (Future<RowSet<Row>> statement : sent) {
            await(statement, answerMax);
        }
        sent.clear();
    }

    static <T> T await(Future<T> answer, Duration atMost) {
        try {
            return answer.toCompletionStage().toCompletableFuture().get(atMost.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw failure(e.getCause());
        } catch (TimeoutException e) {
            throw new InfrastructureFailureException(
                    "the database did not answer within " + atMost.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfrastructureFailureException("interrupted while waiting for the database", e);
        }
    }

    private static RuntimeException failure(Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        if (cause instanceof PgException e && DatabaseFailure.of(e) instanceof DatabaseFailure.Unstorable) {
            return new UnstorableDataException("SQLSTATE " + e.getSqlState() + ": " + e.getErrorMessage());
        }
        return new InfrastructureFailureException(String.valueOf(cause.getMessage()), cause);
    }
}
