package org.postbus.kit.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.sql.TenantTransactions.Limits;
import org.postbus.kit.sql.TestPool.Account;
import org.postbus.model.TenantId;

class TenantTransactionsTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String QUEUE = """
            insert into pending_changes (account_id, tenant_id, email_id, kind)
            values ('%s', '%s', uuidv7(), 'update')""";
    private static final String MARK = "update pending_changes set error = $2 where account_id = $1";
    private static final String TENANT = "select coalesce(current_setting('app.tenant', true), '') as tenant";

    private TestPool database;
    private TenantTransactions transactions;
    private Account account;

    @BeforeEach
    void prepare() throws SQLException {
        database = new TestPool();
        transactions = new TenantTransactions(database.pool);
        account = database.account();
        database.run(QUEUE.formatted(account.id(), account.tenant()));
    }

    @AfterEach
    void close() throws SQLException {
        Thread.interrupted();
        database.close();
    }

    @Test
    void a_transaction_sees_the_rows_of_its_tenant_only_in_every_form() throws Exception {
        Account other = database.account();
        database.run(QUEUE.formatted(other.id(), other.tenant()));
        Function<SqlConnection, Future<Long>> count = connection -> connection
                .query("select count(*) as n from pending_changes")
                .execute()
                .map(rows -> rows.iterator().next().getLong("n"));

        assertThat(transactions.run(account.tenant(), count)).isEqualTo(1);
        assertThat(transactions.runInterruptibly("counting", account.tenant(), count))
                .isEqualTo(1);
        assertThat(transactions.uni(account.tenant(), count).await().atMost(SOON))
                .isEqualTo(1);
        Function<Transaction, Long> blocking = transaction -> transaction
                .run("select count(*) as n from pending_changes")
                .iterator()
                .next()
                .getLong("n");
        assertThat((long) transactions.call(account.tenant(), blocking)).isEqualTo(1);
        assertThat((long) transactions.callWithoutTenant(blocking)).isZero();
        assertThat(transactions
                        .futureWithoutTenant(count)
                        .toCompletionStage()
                        .toCompletableFuture()
                        .get(30, TimeUnit.SECONDS))
                .isZero();
    }

    @Test
    void futures_of_one_tenant_leave_connections_to_others_and_too_many_fail() throws Exception {
        TenantTransactions bounded = new TenantTransactions(database.pool, Limits.DEFAULT.withPerTenantMax(1, 2));
        Promise<Void> end = Promise.promise();
        Promise<Void> begun = Promise.promise();
        List<Future<Integer>> ofOne = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            int number = i;
            ofOne.add(bounded.future(account.tenant(), connection -> {
                begun.tryComplete();
                return end.future().map(number);
            }));
        }
        begun.future().toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);

        assertThat(bounded.future(account.tenant(), connection -> Future.succeededFuture(3))
                        .cause())
                .isInstanceOf(TenantBusyException.class);
        assertThat(bounded.future(database.account().tenant(), connection -> Future.succeededFuture(4))
                        .toCompletionStage()
                        .toCompletableFuture()
                        .get(30, TimeUnit.SECONDS))
                .isEqualTo(4);
        assertThat(ofOne).noneMatch(Future::isComplete);
        end.complete();
        assertThat(Future.all(ofOne)
                        .toCompletionStage()
                        .toCompletableFuture()
                        .get(30, TimeUnit.SECONDS)
                        .<Integer>list())
                .containsExactly(0, 1, 2);
    }

    @Test
    void a_transaction_does_not_wait_for_300_of_another_tenant() throws Exception {
        TenantTransactions two =
                new TenantTransactions(database.pool, TenantTransactions.Limits.DEFAULT.withAtOnceMax(2));
        AtomicInteger others = new AtomicInteger();
        Function<SqlConnection, Future<Object>> slow = connection ->
                connection.query("select pg_sleep(0.02)").execute().map(done -> others.incrementAndGet());
        List<Thread> threads = new ArrayList<>();
        TenantId other = database.account().tenant();
        for (int i = 0; i < 300; i++) {
            threads.add(Thread.ofVirtual().start(() -> {
                try {
                    two.runInterruptibly("waiting", other, slow);
                } catch (InterruptedException over) {
                    Thread.currentThread().interrupt();
                }
            }));
        }
        await().until(() -> others.get() > 0);

        int before = others.get();
        two.run(account.tenant(), connection -> connection.query("select 1").execute());

        assertThat(others.get() - before).isLessThan(30);
        threads.forEach(Thread::interrupt);
        for (Thread thread : threads) {
            thread.join();
        }
    }

    @Test
    void a_composed_transaction_that_fails_leaves_nothing_behind_and_its_connection_serves_the_next() throws Exception {
        Tuple failed = Tuple.of(account.id().value(), "failed");

        // More often than the pool has connections: each has seen a failure.
        for (int i = 0; i < 2 * TestPool.CONNECTIONS; i++) {
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
                    .isInstanceOf(InfrastructureFailureException.class)
                    .hasRootCauseMessage("a bug");
        }

        assertThat(errors()).containsOnlyNulls();
        transactions.run(
                account.tenant(),
                connection -> connection
                        .preparedQuery(MARK)
                        .execute(Tuple.of(account.id().value(), "noted")));
        assertThat(errors()).containsExactly("noted");
        assertThat(tenantOf(transactions.query(TENANT, Tuple.tuple()))).isEmpty();
    }

    @Test
    void a_blocking_transaction_that_fails_leaves_nothing_behind_and_its_connection_serves_the_next() throws Exception {
        for (int i = 0; i < 2 * TestPool.CONNECTIONS; i++) {
            assertThatThrownBy(() -> transactions.call(account.tenant(), transaction -> {
                        transaction.send(MARK, account.id().value(), "failed");
                        throw new IllegalStateException("a bug");
                    }))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("a bug");
            // The rows are not waited for: the failure is reported at the end.
            assertThatThrownBy(() -> transactions.call(account.tenant(), transaction -> {
                        transaction.send(MARK, account.id().value(), "failed");
                        transaction.send("select 1 / 0");
                        return null;
                    }))
                    .isInstanceOf(UnstorableDataException.class)
                    .hasMessageContaining("22012");
        }

        assertThat(errors()).containsOnlyNulls();
        transactions.call(account.tenant(), transaction -> {
            transaction.send(MARK, account.id().value(), "noted");
            return null;
        });
        assertThat(errors()).containsExactly("noted");
        assertThat(tenantOf(transactions.query(TENANT, Tuple.tuple()))).isEmpty();
    }

    @Test
    void the_first_failure_is_reported_and_not_what_follows_from_it() {
        assertThatExceptionOfType(UnstorableDataException.class)
                .isThrownBy(() -> transactions.call(account.tenant(), transaction -> {
                    transaction.send("select 1 / 0");
                    return transaction.run("select 1");
                }))
                .withMessage("SQLSTATE 22012: division by zero");
    }

    @Test
    void data_that_postgresql_can_not_hold_is_distinguished_from_infrastructure_failures() {
        assertThatThrownBy(() ->
                        transactions.call(account.tenant(), transaction -> transaction.run("select $1::text", "\0")))
                .isInstanceOf(UnstorableDataException.class);
        assertThatThrownBy(
                        () -> transactions.call(account.tenant(), transaction -> transaction.run("delete from email")))
                .isInstanceOf(InfrastructureFailureException.class)
                .hasMessageContaining("permission denied");
    }

    @Test
    void the_statement_timeout_is_the_transactions_own() {
        var limited =
                new TenantTransactions(database.pool, Limits.DEFAULT.withStatementTimeout(Duration.ofMillis(100)));

        String timeout = limited.call(
                account.tenant(),
                transaction -> transaction
                        .run("select current_setting('statement_timeout') as timeout")
                        .iterator()
                        .next()
                        .getString("timeout"));
        assertThat(timeout).isEqualTo("100ms");
        assertThatThrownBy(() -> limited.call(account.tenant(), transaction -> transaction.run("select pg_sleep(30)")))
                .isInstanceOf(InfrastructureFailureException.class)
                .hasMessageContaining("statement timeout");
        assertThat(limited.query("select current_setting('statement_timeout') as timeout", Tuple.tuple())
                        .iterator()
                        .next()
                        .getString("timeout"))
                .isNotEqualTo("100ms");
    }

    @Test
    void no_more_transactions_run_at_once_than_allowed_and_the_others_wait() throws Exception {
        var limited = new TenantTransactions(database.pool, Limits.DEFAULT.withAtOnceMax(3));
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();

        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 20; i++) {
                threads.submit(() -> limited.call(account.tenant(), transaction -> {
                    most.accumulateAndGet(running.incrementAndGet(), Math::max);
                    transaction.run("select pg_sleep(0.01)");
                    running.decrementAndGet();
                    return null;
                }));
            }
        }

        assertThat(most.get()).isEqualTo(2);
    }

    @Test
    void an_interruption_is_passed_on_or_is_an_infrastructure_failure_and_the_transaction_ends_by_itself()
            throws Exception {
        List<Throwable> thrown = new ArrayList<>();
        thrown.add(interrupted(() -> transactions.runInterruptibly("sleeping", account.tenant(), this::sleep)));
        thrown.add(interrupted(() -> transactions.run(account.tenant(), this::sleep)));
        thrown.add(interrupted(
                () -> transactions.call(account.tenant(), transaction -> transaction.run("select pg_sleep(0.5)"))));

        assertThat(thrown.get(0)).isInstanceOf(InterruptedException.class);
        assertThat(thrown.get(1)).isInstanceOf(InfrastructureFailureException.class);
        assertThat(thrown.get(2)).isInstanceOf(InfrastructureFailureException.class);
        // Every connection of the pool is back.
        for (int i = 0; i < 2 * TestPool.CONNECTIONS; i++) {
            assertThat(transactions.query("select 1", Tuple.tuple()).size()).isEqualTo(1);
        }
    }

    private Future<RowSet<Row>> sleep(SqlConnection connection) {
        return connection.query("select pg_sleep(0.5)").execute();
    }

    private interface Work {
        Object run() throws Exception;
    }

    private static Throwable interrupted(Work work) throws InterruptedException {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        CountDownLatch started = new CountDownLatch(1);
        Thread thread = Thread.ofVirtual().start(() -> {
            started.countDown();
            try {
                work.run();
            } catch (Exception e) {
                thrown.set(e);
            }
        });
        started.await();
        thread.interrupt();
        thread.join();
        return thrown.get();
    }

    private static String tenantOf(RowSet<Row> rows) {
        return rows.iterator().next().getString("tenant");
    }

    private List<String> errors() throws SQLException {
        return database.rows("select error from pending_changes where account_id = '" + account.id() + "'");
    }
}
