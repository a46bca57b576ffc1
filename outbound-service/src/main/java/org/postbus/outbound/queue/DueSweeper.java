package org.postbus.outbound.queue;

import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.MutationNotification;

/** Flushes the accounts in which something is due: retries, items whose notification was lost, and expired claims of a crashed process. */
public final class DueSweeper implements AutoCloseable {
    public static final String MUTATIONS = "accounts_with_due_mutations";
    public static final String SUBMISSIONS = "accounts_with_due_submissions";

    /** Accounts per sweep; the next sweep finds the others. */
    private static final int ACCOUNTS_MAX = 1_000;

    private final TenantTransactions database;
    private final AccountFlushes flushes;
    private final String accountsDue;
    private final PeriodicJob job;

    /**
     * @param accountsDue the SQL function that returns the accounts in which something is due
     * @param pause between the end of a sweep and the next
     */
    public DueSweeper(TenantTransactions database, AccountFlushes flushes, String accountsDue, Duration pause) {
        this.database = database;
        this.flushes = flushes;
        this.accountsDue = accountsDue;
        this.job = new PeriodicJob("due-sweeper", pause, this::sweep);
    }

    public void start() {
        job.startAfterPause();
    }

    void sweep() {
        for (Row row :
                database.query("select tenant_id, account_id from " + accountsDue + "($1)", Tuple.of(ACCOUNTS_MAX))) {
            flushes.notify(new MutationNotification(
                    new TenantId(row.getUUID("tenant_id")), new AccountId(row.getUUID("account_id"))));
        }
    }

    @Override
    public void close() {
        job.close();
    }
}
