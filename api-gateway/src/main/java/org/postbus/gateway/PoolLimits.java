package org.postbus.gateway;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Duration;
import org.postbus.kit.sql.PostgresSettings.Pooling;

/** The limits of the datasource's pool. Without them requests would wait for a connection in any number and for any time. */
@Singleton
final class PoolLimits {
    @Produces
    @Singleton
    Pooling limits() {
        return new Pooling(16, 1_000, Duration.ofSeconds(5));
    }
}
