package org.postbus.gateway.database;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Duration;
import org.postbus.kit.sql.PostgresSettings.Pooling;

/** Limits of the connection pool. Without them the queue for a connection has no bound in length or time. */
@Singleton
final class PoolLimits {
    static final int CONNECTIONS_MAX = 16;
    /** After this time a request is answered with 503. Also what a transaction waits for before it has a connection counts. Below the
     * 10 s after which a download gives up, with another text. */
    static final Duration ANSWER_MAX = Duration.ofSeconds(8);

    @Produces
    @Singleton
    Pooling limits() {
        return new Pooling(CONNECTIONS_MAX, 1_000, Duration.ofSeconds(5));
    }
}
