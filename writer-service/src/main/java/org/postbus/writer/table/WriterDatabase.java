package org.postbus.writer.table;

import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.time.Duration;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.sql.PostgresSettings;
import org.postbus.kit.sql.PostgresSettings.Pooling;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.kit.sql.TenantTransactions.Limits;

/**
 * The writer's connections to PostgreSQL. The statements of this package rely on the settings of the role (V010): a plan that is made while
 * a table is empty must not scan the table when it has been filled, and ORDER BY must decide which index is used (see {@link EmailTable}).
 */
public final class WriterDatabase implements AutoCloseable {
    /** One for each account that is applied at the same time, and four for publishing. */
    public static final int CONNECTIONS_MAX = 12;

    private static final Duration CONNECTION_WAIT_MAX = Duration.ofSeconds(10);
    private static final int WAITING_MAX = 200;
    /** A statement changes 2,000 rows at most. After a timeout it is tried with fewer. */
    private static final Duration STATEMENT_TIMEOUT = Duration.ofSeconds(15);

    /** Above the statement timeout. */
    private static final Duration SILENCE_MAX = STATEMENT_TIMEOUT.plusSeconds(10);

    private final Pool pool;
    private final TenantTransactions transactions;

    private WriterDatabase(Pool pool) {
        this.pool = pool;
        this.transactions = new TenantTransactions(pool, Limits.DEFAULT.withStatementTimeout(STATEMENT_TIMEOUT));
    }

    public static WriterDatabase connect(Vertx vertx, PostgresSettings settings) {
        Pooling pooling = new Pooling(CONNECTIONS_MAX, WAITING_MAX, CONNECTION_WAIT_MAX, SILENCE_MAX);
        return new WriterDatabase(settings.pool(vertx, "writer-service", pooling));
    }

    public TenantTransactions transactions() {
        return transactions;
    }

    @Override
    public void close() {
        try {
            Await.infrastructure("closing the connections", pool.close(), CONNECTION_WAIT_MAX);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfrastructureFailureException("interrupted while closing the connections", e);
        }
    }
}
