package org.postbus.gateway.database;

import io.vertx.sqlclient.Pool;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.postbus.kit.sql.TenantTransactions;

/** Makes the service's {@link TenantTransactions}. They share the pool with Hibernate, never a connection that is in use. */
final class SqlTransactions {
    @Produces
    @Singleton
    TenantTransactions transactions(Pool pool) {
        return new TenantTransactions(pool);
    }
}
