package org.postbus.writer.table;

import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.postbus.account.Secret;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.sql.TenantTransactions.Limits;
import org.postbus.kit.sql.TenantTransactions;

/** The writer's connections to PostgreSQL, with the planner settings that the statements of this package rely on. */
public final class WriterDatabase implements AutoCloseable {
    /** One for each account that is applied at the same time, and four for publishing. */
    public static final int CONNECTIONS_MAX = 12;

    private static final int CONNECT_SECONDS_MAX = 10;
    private static final int WAITING_MAX = 200;
    /** The role's 15 s are meant for look-ups. One statement may unlink a mailbox with a million messages. */
    private static final Duration STATEMENT_TIMEOUT = Duration.ofSeconds(60);

    private final Pool pool;
    private final TenantTransactions transactions;

    private WriterDatabase(Pool pool) {
        this.pool = pool;
        this.transactions = new TenantTransactions(pool, Limits.DEFAULT.withStatementTimeout(STATEMENT_TIMEOUT));
    }

    /** @param url {@code postgresql://host:port/database} */
    public static WriterDatabase connect(Vertx vertx, String url, String user, Secret password) {
        PgConnectOptions options = PgConnectOptions.fromUri(url)
                .setUser(user)
                .setPassword(password.reveal())
                .setCachePreparedStatements(true)
                .addProperty("application_name", "writer-service")
                // Every statement finds its rows by key. A plan that is made while a table is empty must not scan the table
                // when it has been filled.
                .addProperty("plan_cache_mode", "force_generic_plan")
                .addProperty("enable_seqscan", "off")
                .addProperty("enable_hashjoin", "off")
                .addProperty("enable_mergejoin", "off")
                // So that ORDER BY prescribes the index (see EmailTable). Otherwise another index and a sort may have lower
                // estimated costs.
                .addProperty("enable_sort", "off")
                .addProperty("jit", "off");
        options.setConnectTimeout((int) TimeUnit.SECONDS.toMillis(CONNECT_SECONDS_MAX));
        options.setTcpKeepAlive(true);
        PoolOptions pooling = new PoolOptions()
                .setMaxSize(CONNECTIONS_MAX)
                .setMaxWaitQueueSize(WAITING_MAX)
                .setConnectionTimeout(CONNECT_SECONDS_MAX)
                .setConnectionTimeoutUnit(TimeUnit.SECONDS);
        return new WriterDatabase(PgBuilder.pool()
                .with(pooling)
                .connectingTo(options)
                .using(vertx)
                .build());
    }

    public TenantTransactions transactions() {
        return transactions;
    }

    @Override
    public void close() {
        try {
            Await.infrastructure("closing the connections", pool.close(), Duration.ofSeconds(CONNECT_SECONDS_MAX));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfrastructureFailureException("interrupted while closing the connections", e);
        }
    }
}
