package org.postbus.kit.sql;

import io.quarkus.arc.DefaultBean;
import io.quarkus.reactive.pg.client.PgPoolCreator;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.SqlConnectOptions;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.eclipse.microprofile.config.ConfigProvider;
import org.postbus.kit.settings.Settings;

/**
 * Builds the pool of Quarkus's datasource, with what its own configuration has no names for: the password file, the TLS settings and
 * the time limits of {@link
 * PostgresSettings}, and the limits of a {@link PostgresSettings.Pooling} that the service may produce as a bean. Without that bean Quarkus's
 * settings stand: then requests wait for a connection without a limit of number.
 */
@Singleton
@DefaultBean
public class DatasourcePool implements PgPoolCreator {
    private final Instance<PostgresSettings.Pooling> pooling;

    DatasourcePool(Instance<PostgresSettings.Pooling> pooling) {
        this.pooling = pooling;
    }

    @Override
    public Pool create(Input input) {
        Settings settings = Settings.of(ConfigProvider.getConfig());
        Duration silenceMax = pooling.isResolvable() ? pooling.get().silenceMax() : PostgresSettings.SILENCE_MAX;
        List<SqlConnectOptions> servers = new ArrayList<>();
        input.pgConnectOptionsList().forEach(options -> servers.add(PostgresSettings.complete(options, settings)));
        return PostgresSettings.pool(
                input.vertx(),
                servers,
                pooling.isResolvable() ? pooling.get().applyTo(input.poolOptions()) : input.poolOptions(),
                silenceMax);
    }
}
