package org.postbus.kit.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.postgres.PgBouncer;
import org.postbus.devstack.postgres.Role;
import org.postbus.kit.settings.Settings;
import org.postbus.kit.sql.PostgresSettings.Pooling;
import org.postbus.model.TenantId;

/**
 * Connections by way of PgBouncer in transaction mode, with fewer connections to the server than clients: each transaction runs on whichever connection is
 * free. Skipped with a message where PgBouncer is not installed.
 */
class PoolerTest {
    private static final int SERVER_CONNECTIONS = 2;
    private static final int RUNS = 300;

    private static final Vertx VERTX = Vertx.vertx();
    private static final Database DATABASE = DevStack.postgres().freshDatabase();
    private static PgBouncer pooler;

    @BeforeAll
    static void start() {
        Assumptions.assumeTrue(PgBouncer.isInstalled(), "PgBouncer is not installed");
        pooler = PgBouncer.start(
                DATABASE,
                SERVER_CONNECTIONS,
                Path.of("target", "dev-stack", "pgbouncer.log").toAbsolutePath());
    }

    @AfterAll
    static void stop() {
        if (pooler != null) {
            pooler.close();
        }
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void transactions_of_many_clients_keep_their_tenant() {
        Pool pool = settings(true).pool(VERTX, "pooler-test", new Pooling(8, 1_000, Duration.ofSeconds(60)));
        try {
            assertThat(failures(pool)).isEmpty();
        } finally {
            pool.close();
        }
    }

    /** Quarkus makes the options of the pool that Hibernate Reactive uses. */
    @Test
    void options_that_a_framework_made_are_for_the_pooler_too() {
        PgConnectOptions options = PgConnectOptions.fromUri(url())
                .setUser(Role.OUTBOUND.user())
                .setPassword(DATABASE.password(Role.OUTBOUND).reveal())
                .setCachePreparedStatements(true);
        Pool pool = PgBuilder.pool()
                .with(new PoolOptions().setMaxSize(8))
                .connectingTo(
                        PostgresSettings.complete(options, settingsOf(Map.of("postbus.db.pooler", "transaction"))))
                .using(VERTX)
                .build();
        try {
            assertThat(failures(pool)).isEmpty();
        } finally {
            pool.close();
        }
    }

    /** Otherwise the tests above would pass without the setting. */
    @Test
    void named_statements_fail_behind_a_pooler() {
        Pool pool = settings(false).pool(VERTX, "pooler-test", new Pooling(8, 1_000, Duration.ofSeconds(60)));
        try {
            assertThat(failures(pool)).isNotEmpty();
        } finally {
            pool.close();
        }
    }

    /** Runs transactions of two tenants side by side, and statements outside of transactions. Returns what went wrong. */
    private static List<String> failures(Pool pool) {
        TenantTransactions transactions = new TenantTransactions(pool);
        List<TenantId> tenants = List.of(new TenantId(UUID.randomUUID()), new TenantId(UUID.randomUUID()));
        List<Future<?>> runs = new ArrayList<>();
        List<String> failures = new CopyOnWriteArrayList<>();
        for (int i = 0; i < RUNS; i++) {
            TenantId tenant = tenants.get(i % 2);
            int run = i;
            String number = Integer.toString(i % 7);
            runs.add(transactions
                    .future(
                            tenant,
                            connection -> connection
                                    .preparedQuery("select current_tenant() as tenant, $1::int + " + number + " as sum")
                                    .execute(Tuple.of(run % 5))
                                    .compose(first -> connection
                                            .preparedQuery("select current_tenant() as tenant, $1::text as text")
                                            .execute(Tuple.of(number))))
                    .onSuccess(rows -> {
                        UUID seen = rows.iterator().next().getUUID("tenant");
                        if (!tenant.value().equals(seen)) {
                            failures.add("tenant " + seen + " instead of " + tenant);
                        }
                    })
                    .onFailure(failure -> failures.add(failure.getMessage())));
            runs.add(pool.preparedQuery("select $1::int as n, " + number + " as m, current_tenant() as tenant")
                    .execute(Tuple.of(run))
                    .onSuccess(rows -> {
                        Row row = rows.iterator().next();
                        if (row.getUUID("tenant") != null) {
                            failures.add("a tenant outlived its transaction");
                        }
                    })
                    .onFailure(failure -> failures.add(failure.getMessage())));
        }
        try {
            Future.join(runs).toCompletionStage().toCompletableFuture().get(120, TimeUnit.SECONDS);
        } catch (Exception e) {
            // Each failure is in the list already, unless the time is up.
            if (failures.isEmpty()) {
                failures.add(e.toString());
            }
        }
        return failures;
    }

    private static String url() {
        return pooler.database().url();
    }

    private static PostgresSettings settings(boolean pooled) {
        Map<String, String> values = new HashMap<>(Map.of(
                "postbus.db.url", url(),
                "postbus.db.user", Role.OUTBOUND.user(),
                "postbus.db.password", DATABASE.password(Role.OUTBOUND).reveal()));
        if (pooled) {
            values.put("postbus.db.pooler", "transaction");
        }
        return PostgresSettings.of(settingsOf(values));
    }

    private static Settings settingsOf(Map<String, String> values) {
        return Settings.of(name -> Optional.ofNullable(values.get(name)));
    }
}
