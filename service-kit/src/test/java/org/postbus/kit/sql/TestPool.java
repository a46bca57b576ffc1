package org.postbus.kit.sql;

import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.postgres.Role;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** A database of its own with a pool of the outbound role, and the superuser's connection to prepare and inspect it. */
final class TestPool implements AutoCloseable {
    static final int CONNECTIONS = 3;

    private final Vertx vertx = Vertx.vertx();
    private final Connection admin;
    final Database database = DevStack.postgres().freshDatabase();
    final Pool pool;

    TestPool() throws SQLException {
        admin = database.connectAsAdmin();
        pool = PgBuilder.pool()
                .connectingTo(PgConnectOptions.fromUri(database.url())
                        .setUser(Role.OUTBOUND.user())
                        .setPassword(database.password(Role.OUTBOUND).reveal())
                        .setCachePreparedStatements(true))
                .with(new PoolOptions().setMaxSize(CONNECTIONS))
                .using(vertx)
                .build();
    }

    record Account(TenantId tenant, AccountId id) {}

    /** An account of a new tenant. */
    Account account() throws SQLException {
        String tenant = rows("insert into tenant (name) values ('t') returning tenant_id")
                .getFirst();
        String account = rows("insert into account (tenant_id, protocol, email, settings) values ('" + tenant
                        + "', 'imap', 'a@example.com', '{}') returning account_id")
                .getFirst();
        run("insert into account_sync (account_id, tenant_id) values ('" + account + "', '" + tenant + "')");
        return new Account(new TenantId(UUID.fromString(tenant)), new AccountId(UUID.fromString(account)));
    }

    void run(String sql) throws SQLException {
        try (var statement = admin.createStatement()) {
            statement.execute(sql);
        }
    }

    List<String> rows(String sql) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (var statement = admin.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            while (result.next()) {
                rows.add(result.getString(1));
            }
        }
        return rows;
    }

    @Override
    public void close() throws SQLException {
        admin.close();
        pool.close().toCompletionStage().toCompletableFuture().join();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
