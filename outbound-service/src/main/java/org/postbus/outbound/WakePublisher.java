package org.postbus.outbound;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.vertx.UniHelper;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.jboss.logging.Logger;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;

/**
 * Publishes accounts whose {@code wake} was raised, so their fetchers look at once. Several wakes of an account become one
 * record. Nothing waits for it: what it does not manage, the gateway's sweeper publishes.
 *
 * <p>The row is locked while the record is on its way: so two publishers of an account never put an older record after a
 * newer one, which compaction would keep.
 */
public final class WakePublisher {
    private static final Logger LOG = Logger.getLogger(WakePublisher.class);
    /** How long a row is locked at most. Below idle_in_transaction_session_timeout. */
    private static final Duration ACK_TIME_MAX = Duration.ofSeconds(5);

    private final TenantTransactions database;
    private final AccountTable accounts;
    private final Function<AccountRecord, Uni<Void>> topic;
    private final Map<AccountId, TenantId> waiting = new LinkedHashMap<>();
    private boolean running;

    /** @param topic completes when the broker has acknowledged the record */
    public WakePublisher(TenantTransactions database, AccountTable accounts, Function<AccountRecord, Uni<Void>> topic) {
        this.database = database;
        this.accounts = accounts;
        this.topic = topic;
    }

    /** Returns at once. */
    public synchronized void publish(TenantId tenant, AccountId account) {
        waiting.put(account, tenant);
        if (!running) {
            running = true;
            Thread.ofVirtual().name("wake-publisher").start(this::drain);
        }
    }

    private void drain() {
        for (Map.Entry<AccountId, TenantId> next = next(); next != null; next = next()) {
            AccountId account = next.getKey();
            try {
                database.run(
                        next.getValue(),
                        connection -> accounts.lockUnpublished(connection, account)
                                .compose(found -> found.isEmpty()
                                        ? Future.succeededFuture()
                                        : sent(found.get())
                                                .compose(acknowledged -> accounts.published(connection, found.get()))));
            } catch (TenantTransactions.DatabaseException e) {
                LOG.warnf("account %s was not published, a sweeper will: %s", account, e.getMessage());
            } catch (RuntimeException e) {
                // A bug, or the pool has just been closed; the next account is not to suffer for it.
                LOG.errorf(e, "account %s was not published, a sweeper will", account);
            }
        }
    }

    private Future<Void> sent(AccountRecord record) {
        return UniHelper.toFuture(
                topic.apply(record).ifNoItem().after(ACK_TIME_MAX).fail());
    }

    /** Null, and nobody running, when there is nothing more. */
    private synchronized Map.Entry<AccountId, TenantId> next() {
        Iterator<Map.Entry<AccountId, TenantId>> first = waiting.entrySet().iterator();
        if (!first.hasNext()) {
            running = false;
            return null;
        }
        Map.Entry<AccountId, TenantId> next =
                Map.entry(first.next().getKey(), waiting.values().iterator().next());
        first.remove();
        return next;
    }
}
