package org.postbus.outbound.table;

import org.postbus.kit.sql.TenantTransactions;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Vertx;
import io.vertx.sqlclient.Tuple;
import java.net.URI;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.fixture.TestDatabase;
import org.postbus.kit.InfrastructureFailureException;

class TenantTransactionsTest {
    private static final String MARK = "update pending_changes set error = $2 where account_id = $1";

    private final Vertx vertx = Vertx.vertx();
    private final TestDatabase database = new TestDatabase();
    private final TenantTransactions transactions = database.transactions(vertx);

    @AfterEach
    void close() throws SQLException {
        database.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void a_transaction_that_fails_leaves_nothing_behind_and_its_connection_serves_the_next() {
        Account account =
                database.account(new AccountSettings.Jmap("a@example.com", URI.create("http://127.0.0.1:1/")));
        database.run("insert into pending_changes(account_id, tenant_id, email_id, kind)"
                + " select account_id, tenant_id, uuidv7(), 'update' from account");
        Tuple failed = Tuple.of(account.id().value(), "failed");

        // More than the pool has connections: each has seen a failure.
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> transactions.run(
                            account.tenant(),
                            connection -> connection
                                    .preparedQuery(MARK)
                                    .execute(failed)
                                    .compose(done ->
                                            connection.query("select 1 / 0").execute())))
                    .isInstanceOf(InfrastructureFailureException.class)
                    .hasMessageContaining("division by zero");
            assertThatThrownBy(() -> transactions.run(account.tenant(), connection -> {
                        connection.preparedQuery(MARK).execute(failed);
                        throw new IllegalStateException("a bug");
                    }))
                    .hasRootCauseMessage("a bug");
            assertThat(error(account)).isNull();
        }

        transactions.run(
                account.tenant(),
                connection -> connection
                        .preparedQuery(MARK)
                        .execute(Tuple.of(account.id().value(), "noted")));
        assertThat(error(account)).isEqualTo("noted");
        assertThat(transactions
                        .query("select coalesce(current_setting('app.tenant', true), '') as tenant", Tuple.tuple())
                        .iterator()
                        .next()
                        .getString("tenant"))
                .isEmpty();
    }

    private String error(Account account) {
        return transactions.run(
                account.tenant(),
                connection -> connection
                        .preparedQuery("select error from pending_changes where account_id = $1")
                        .execute(Tuple.of(account.id().value()))
                        .map(rows -> rows.iterator().next().getString("error")));
    }
}
