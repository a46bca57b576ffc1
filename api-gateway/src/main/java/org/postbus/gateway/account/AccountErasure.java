package org.postbus.gateway.account;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import org.jboss.logging.Logger;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * Deletes the rows of deleted accounts, in transactions of {@link #ROWS_MAX} rows of each kind.
 *
 * <p>Phases: 1. the transaction that deletes the account's row; it also stores a row of {@code account_erasure}; 2. chunks, until nothing
 * is left; the last one marks that row. From phase 1 on nothing of the account can be read. If this process ends during phase 2, the job of any
 * gateway continues: it looks for unfinished erasures every {@link #SWEEP}.
 */
@ApplicationScoped
public class AccountErasure {
    private static final Logger LOG = Logger.getLogger(AccountErasure.class);
    /** A request waits so long for phase 2. */
    static final Duration WAIT_MAX = Duration.ofSeconds(10);

    private static final Duration SWEEP = Duration.ofSeconds(5);
    private static final Duration ANSWER_MAX = Duration.ofSeconds(30);
    /** Emails with their children: some hundred milliseconds. */
    private static final int ROWS_MAX = 2_000;

    private static final int ACCOUNTS_MAX = 100;

    private final TenantTransactions transactions;
    private final PeriodicJob job = new PeriodicJob("account-erasure", SWEEP, this::eraseAll);

    AccountErasure(TenantTransactions transactions) {
        this.transactions = transactions.withAnswerMax(ANSWER_MAX);
    }

    void start(@Observes StartupEvent event) {
        job.start();
    }

    void stop(@Observes ShutdownEvent event) {
        job.close();
    }

    /** Phase 2. Succeeds when the rows are deleted, or when the time is over and the job deletes the rest. */
    Uni<Void> erased(TenantId tenant, AccountId account) {
        return Uni.createFrom()
                .completionStage(() -> eraseFrom(tenant, account).toCompletionStage())
                .ifNoItem()
                .after(WAIT_MAX)
                .recoverWithItem((Void) null)
                .onFailure()
                .recoverWithItem(failure -> {
                    LOG.warnf("the rows of account %s are deleted later: %s", account, failure.getMessage());
                    return null;
                });
    }

    private Future<Void> eraseFrom(TenantId tenant, AccountId account) {
        return chunk(tenant, account).compose(more -> more ? eraseFrom(tenant, account) : Future.succeededFuture());
    }

    private void eraseAll() throws InterruptedException {
        RowSet<Row> found = Await.infrastructure(
                "looking for accounts to erase",
                transactions.futureWithoutTenant(connection -> connection
                        .preparedQuery("select tenant_id, account_id from accounts_to_erase($1)")
                        .execute(Tuple.of(ACCOUNTS_MAX))),
                ANSWER_MAX);
        for (Row row : found) {
            TenantId tenant = new TenantId(row.getUUID(0));
            AccountId account = new AccountId(row.getUUID(1));
            boolean more = true;
            while (more && !job.isStopped()) {
                more = Await.infrastructure("erasing an account", chunk(tenant, account), ANSWER_MAX);
            }
        }
    }

    /** @return whether there may be more */
    private Future<Boolean> chunk(TenantId tenant, AccountId account) {
        return transactions.future(
                tenant,
                connection -> connection
                        .preparedQuery("select erase_account_rows($1, $2)")
                        .execute(Tuple.of(account.value(), ROWS_MAX))
                        .map(rows -> rows.iterator().next().getBoolean(0)));
    }
}
