package org.postbus.gateway.tenant;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.jboss.logging.Logger;
import org.postbus.gateway.account.AccountPublisher;
import org.postbus.gateway.audit.AuditAppend;
import org.postbus.gateway.audit.AuditEntry;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.TenantId;

/**
 * Erases tenants whose status is {@code deleting}.
 *
 * <p>Phases: 1. the tenant's accounts are deleted, {@link #ACCOUNTS_MAX} in a transaction, each with its tombstone; {@code AccountErasure} deletes
 * their rows, the writer publishes {@code account.deleted}; 2. when nothing of that is left, the tenant's other rows and its own. If this
 * process ends, any gateway continues. Two gateways at once do no harm: an account is deleted once.
 */
@ApplicationScoped
class TenantErasure {
    private static final Logger LOG = Logger.getLogger(TenantErasure.class);
    private static final Duration SWEEP = Duration.ofSeconds(2);
    private static final Duration ANSWER_MAX = Duration.ofSeconds(30);
    private static final int ACCOUNTS_MAX = 20;

    private final TenantTransactions transactions;
    private final AccountPublisher publisher;
    private final PeriodicJob job = new PeriodicJob("tenant-erasure", SWEEP, this::eraseAll);

    TenantErasure(TenantTransactions transactions, AccountPublisher publisher) {
        this.transactions = transactions.withAnswerMax(ANSWER_MAX);
        this.publisher = publisher;
    }

    void start(@Observes StartupEvent event) {
        job.start();
    }

    void stop(@Observes ShutdownEvent event) {
        job.close();
    }

    void soon() {
        job.runNow();
    }

    private void eraseAll() throws InterruptedException {
        RowSet<Row> found = Await.infrastructure(
                "looking for tenants to erase",
                transactions.futureWithoutTenant(connection -> connection
                        .query("select tenant_id from tenants_to_erase()")
                        .execute()),
                ANSWER_MAX);
        for (Row row : found) {
            erase(new TenantId(row.getUUID(0)));
        }
    }

    private void erase(TenantId tenant) throws InterruptedException {
        int deleted = ACCOUNTS_MAX;
        while (deleted == ACCOUNTS_MAX && !job.isStopped()) {
            deleted = await(tenant, TenantErasure::deleteAccounts);
            publisher.publishSoon();
        }
        if (await(tenant, connection -> finish(connection, tenant))) {
            LOG.infof("the tenant %s is erased", tenant);
        }
    }

    /** Locks each account's row of account_sync first, as every transaction that deletes an account or appends changes does. */
    private static Future<Integer> deleteAccounts(SqlConnection connection) {
        return connection
                .query("select account_id from account order by account_id limit " + ACCOUNTS_MAX)
                .execute()
                .compose(rows -> {
                    UUID[] accounts = new UUID[rows.size()];
                    int i = 0;
                    for (Row row : rows) {
                        accounts[i++] = row.getUUID(0);
                    }
                    return connection
                            .preparedQuery(
                                    "select lock_account_sync(a) from unnest($1::uuid[]) with ordinality as u (a, n) order by n")
                            .execute(Tuple.of(accounts))
                            .compose(locked -> connection.preparedQuery("""
                                            with gone as (delete from account where account_id = any ($1) returning account_id)
                                            insert into account_tombstone (account_id, tenant_id)
                                            select account_id, current_tenant() from gone""").execute(Tuple.of(accounts)))
                            .map(stored -> accounts.length);
                });
    }

    private static Future<Boolean> finish(SqlConnection connection, TenantId tenant) {
        return connection
                .preparedQuery("select finish_tenant_erasure($1)")
                .execute(Tuple.of(tenant.value()))
                .compose(rows -> rows.iterator().next().getBoolean(0)
                        ? AuditAppend.append(
                                        connection,
                                        List.of(AuditEntry.ofPostbus(tenant, Instant.now(), "tenant.erased")))
                                .map(true)
                        : Future.succeededFuture(false));
    }

    private <T> T await(TenantId tenant, Function<SqlConnection, Future<T>> work) throws InterruptedException {
        return Await.infrastructure("erasing a tenant", transactions.future(tenant, work), ANSWER_MAX);
    }
}
