package org.postbus.writer.table;

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

/**
 * One open transaction, used by one virtual thread. Statements go out without waiting for each other and PostgreSQL runs them
 * in the order in which they were sent; a thread waits only where it needs rows.
 */
public final class Transaction {
    /** More than the server's statement_timeout, which answers first unless the network is gone. */
    static final Duration ANSWER_WAIT = Duration.ofSeconds(75);

    private final SqlConnection connection;
    private final List<Future<RowSet<Row>>> sent = new ArrayList<>();

    Transaction(SqlConnection connection) {
        this.connection = connection;
    }

    /** Sends a statement whose rows nobody needs. Its failure shows at the next wait. */
    void send(String sql, Object... parameters) {
        sent.add(ask(sql, parameters));
    }

    /** Sends a statement; {@link #rows} waits for its rows. */
    Future<RowSet<Row>> ask(String sql, Object... parameters) {
        return connection.preparedQuery(sql).execute(Tuple.wrap(parameters));
    }

    public RowSet<Row> run(String sql, Object... parameters) {
        return rows(ask(sql, parameters));
    }

    /** Waits for the rows of a statement; the failure of an earlier one comes first, for it is the cause of this one's. */
    public RowSet<Row> rows(Future<RowSet<Row>> answer) {
        settle();
        return await(answer);
    }

    /** Waits until every statement sent so far has succeeded. */
    void settle() {
        for (Future<RowSet<Row>> statement : sent) {
            await(statement);
        }
        sent.clear();
    }

    /**
     * @throws InapplicableException if PostgreSQL cannot hold the data, now or ever
     * @throws UnavailableException for everything else that may be different next time
     */
    static <T> T await(Future<T> future) {
        try {
            return future.toCompletionStage().toCompletableFuture().get(ANSWER_WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw failure(e.getCause());
        } catch (TimeoutException e) {
            throw new UnavailableException("the database did not answer in " + ANSWER_WAIT, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted", e);
        }
    }

    private static RuntimeException failure(Throwable cause) {
        if (cause instanceof PgException e && isAboutData(e.getSqlState())) {
            // Without the detail: it quotes the row.
            return new InapplicableException("SQLSTATE " + e.getSqlState() + ": " + e.getErrorMessage(), null);
        }
        return new UnavailableException(String.valueOf(cause.getMessage()), cause);
    }

    /** 22 data exception, 23 integrity constraint violation, 54 program limit exceeded; the rest is about the server or us. */
    static boolean isAboutData(String sqlState) {
        return sqlState != null
                && (sqlState.startsWith("22") || sqlState.startsWith("23") || sqlState.startsWith("54"));
    }
}
