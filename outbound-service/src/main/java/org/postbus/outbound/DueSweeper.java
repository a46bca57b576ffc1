package org.postbus.outbound;

import io.vertx.core.Vertx;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import org.jboss.logging.Logger;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.MutationNotification;

/** Rings for whatever is due: wishes whose next try has come, whose bell was lost, whose claim ran out after a crash. */
public final class DueSweeper implements AutoCloseable {
    public static final String MUTATIONS = "accounts_with_due_mutations";
    public static final String SUBMISSIONS = "accounts_with_due_submissions";

    private static final Logger LOG = Logger.getLogger(DueSweeper.class);
    /** Accounts per sweep; the next sweep brings the others. */
    private static final int ACCOUNTS_MAX = 1_000;

    private final Vertx vertx;
    private final TenantTransactions database;
    private final AccountFlushes flushes;
    private final String accountsDue;
    private final Duration pause;
    private volatile boolean stopped;

    /**
     * @param accountsDue the database's function that tells which accounts have something due
     * @param pause between the end of a sweep and the next
     */
    public DueSweeper(
            Vertx vertx, TenantTransactions database, AccountFlushes flushes, String accountsDue, Duration pause) {
        this.vertx = vertx;
        this.database = database;
        this.flushes = flushes;
        this.accountsDue = accountsDue;
        this.pause = pause;
    }

    public void start() {
        vertx.setTimer(
                pause.toMillis(), due -> Thread.ofVirtual().name("due-sweeper").start(this::sweepAndGoOn));
    }

    private void sweepAndGoOn() {
        if (stopped) {
            return;
        }
        try {
            sweep();
        } catch (TenantTransactions.DatabaseException e) {
            LOG.warnf("nothing was swept: %s", e.getMessage());
        }
        if (!stopped) {
            start();
        }
    }

    void sweep() {
        for (Row row :
                database.query("select tenant_id, account_id from " + accountsDue + "($1)", Tuple.of(ACCOUNTS_MAX))) {
            flushes.ring(
                    new MutationNotification(new TenantId(row.getUUID("tenant_id")), new AccountId(row.getUUID("account_id"))));
        }
    }

    @Override
    public void close() {
        stopped = true;
    }
}
