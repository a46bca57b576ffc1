package org.postbus.writer.table;

import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import io.vertx.sqlclient.SqlConnection;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.postbus.account.Secret;
import org.postbus.model.TenantId;

/** The writer's rim towards PostgreSQL: transactions that carry their tenant, for virtual threads. */
public final class Database implements AutoCloseable {
    /** As many accounts as are applied at once, and half as many again that are published. */
    public static final int CONNECTIONS_MAX = 12;

    private static final int CONNECT_WAIT_SECONDS = 10;
    private static final int WAITING_MAX = 200;

    private final Pool pool;

    Database(Pool pool) {
        this.pool = pool;
    }

    /** @param url {@code postgresql://host:port/database} */
    public static Database connect(Vertx vertx, String url, String user, Secret password) {
        PgConnectOptions options = PgConnectOptions.fromUri(url)
                .setUser(user)
                .setPassword(password.reveal())
                .setCachePreparedStatements(true)
                .addProperty("application_name", "writer-service")
                // Every statement here finds its rows by key. A plan made while a table was empty must not scan it for
                // ever.
                .addProperty("plan_cache_mode", "force_generic_plan")
                .addProperty("enable_seqscan", "off")
                .addProperty("enable_hashjoin", "off")
                .addProperty("enable_mergejoin", "off")
                // With it an ORDER BY prescribes the index (EmailTable); without it another index and a sort may look
                // cheaper.
                .addProperty("enable_sort", "off")
                .addProperty("jit", "off");
        options.setConnectTimeout((int) TimeUnit.SECONDS.toMillis(CONNECT_WAIT_SECONDS));
        options.setTcpKeepAlive(true);
        PoolOptions pooling = new PoolOptions()
                .setMaxSize(CONNECTIONS_MAX)
                .setMaxWaitQueueSize(WAITING_MAX)
                .setConnectionTimeout(CONNECT_WAIT_SECONDS)
                .setConnectionTimeoutUnit(TimeUnit.SECONDS);
        return new Database(PgBuilder.pool()
                .with(pooling)
                .connectingTo(options)
                .using(vertx)
                .build());
    }

    /**
     * Runs {@code work} in one transaction that sees the rows of {@code tenant} only. Commits when it returns, rolls back when
     * it throws.
     *
     * @throws UnavailableException if the database is away or busy; nothing has been changed, or the commit's fate is unknown
     * @throws InapplicableException if PostgreSQL cannot hold the data; nothing has been changed
     */
    public <T> T inTransaction(TenantId tenant, Function<Transaction, T> work) {
        return inTransaction(tenant.toString(), work);
    }

    /** For the few questions from before the tenant is known: row-level security shows no rows. */
    public <T> T withoutTenant(Function<Transaction, T> work) {
        return inTransaction("", work);
    }

    private <T> T inTransaction(String tenant, Function<Transaction, T> work) {
        SqlConnection connection = Transaction.await(pool.getConnection());
        try {
            Transaction transaction = new Transaction(connection);
            var begun = connection.query("begin").execute();
            // The role's 15 s are for look-ups; a mailbox of a million messages may vanish in one statement.
            transaction.send(
                    "select set_config('app.tenant', $1, true), set_config('statement_timeout', '60s', true)", tenant);
            T result;
            try {
                result = work.apply(transaction);
            } catch (RuntimeException e) {
                rollBack(connection, e);
                throw e;
            }
            // After a statement that failed PostgreSQL takes it for a rollback.
            var committed = connection.query("commit").execute();
            Transaction.await(begun);
            transaction.settle();
            Transaction.await(committed);
            return result;
        } finally {
            connection.close();
        }
    }

    private static void rollBack(SqlConnection connection, RuntimeException cause) {
        try {
            Transaction.await(connection.query("rollback").execute());
        } catch (UnavailableException e) {
            // The connection is gone, and with it the transaction.
            cause.addSuppressed(e);
        }
    }

    @Override
    public void close() {
        Transaction.await(pool.close());
    }
}
