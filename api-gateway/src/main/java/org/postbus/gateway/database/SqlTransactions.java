package org.postbus.gateway.database;

import io.vertx.sqlclient.Pool;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.postbus.kit.sql.TenantTransactions;

/** Makes the service's {@link TenantTransactions}. They share the pool with Hibernate, never a connection that is in use. */
final class SqlTransactions {
    /** A quarter of the pool. With those of {@link Sessions} a tenant leaves a quarter to others, and to the look-up of keys. */
    private static final int PER_TENANT_MAX = PoolLimits.CONNECTIONS_MAX / 4;

    private static final int WAITING_PER_TENANT_MAX = 500;

    @Produces
    @Singleton
    TenantTransactions transactions(Pool pool) {
        return new TenantTransactions(
                pool,
                TenantTransactions.Limits.DEFAULT
                        .withAnswerMax(PoolLimits.ANSWER_MAX)
                        .withPerTenantMax(PER_TENANT_MAX, WAITING_PER_TENANT_MAX));
    }
}
