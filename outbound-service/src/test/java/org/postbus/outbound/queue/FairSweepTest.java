package org.postbus.outbound.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.net.URI;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.model.TenantId;
import org.postbus.outbound.fixture.TestDatabase;
import org.postbus.outbound.fixture.TestDatabase.Account;

class FairSweepTest {
    private final Vertx vertx = Vertx.vertx();
    private final TestDatabase database = new TestDatabase();

    @AfterEach
    void close() throws SQLException {
        database.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void a_sweep_finds_every_tenant_although_another_has_been_due_in_more_accounts_for_longer() {
        Account many = account();
        Account one = account();
        database.run(
                "insert into account(tenant_id, protocol, email, settings)"
                        + " select tenant_id, protocol, n || email, settings from account, generate_series(1, 20) n"
                        + " where account_id = ?",
                many.id().value());
        database.run(
                "insert into pending_changes(account_id, tenant_id, email_id, kind, next_try_at)"
                        + " select account_id, tenant_id, uuidv7(), 'update',"
                        + " now() - case when account_id = ? then interval '1 second' else interval '1 hour' end"
                        + " from account",
                one.id().value());

        List<TenantId> found = new ArrayList<>();
        for (Row row : database.transactions(vertx)
                .query("select tenant_id from accounts_with_due_mutations($1)", Tuple.of(5))) {
            found.add(new TenantId(row.getUUID("tenant_id")));
        }

        assertThat(found).hasSize(5).contains(one.tenant()).contains(many.tenant());
    }

    private Account account() {
        return database.account(new AccountSettings.Jmap("a@example.com", URI.create("http://127.0.0.1:1/")));
    }
}
