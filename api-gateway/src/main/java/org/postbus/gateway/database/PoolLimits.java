package org.postbus.gateway.database;

import io.quarkus.reactive.pg.client.PgPoolCreator;
import io.vertx.pgclient.PgBuilder;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import io.vertx.sqlclient.SqlConnectOptions;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Limits of the connection pool that Quarkus has no settings for. Without them the queue for a connection has no bound in length or time. */
@Singleton
final class PoolLimits implements PgPoolCreator {
    private static final int WAITING_MAX = 1_000;
    private static final int WAIT_SECONDS_MAX = 5;

    @Override
    public Pool create(Input input) {
        PoolOptions options = input.poolOptions()
                .setMaxWaitQueueSize(WAITING_MAX)
                .setConnectionTimeout(WAIT_SECONDS_MAX)
                .setConnectionTimeoutUnit(TimeUnit.SECONDS);
        return PgBuilder.pool()
                .with(options)
                .connectingTo(List.<SqlConnectOptions>copyOf(input.pgConnectOptionsList()))
                .using(input.vertx())
                .build();
    }
}
