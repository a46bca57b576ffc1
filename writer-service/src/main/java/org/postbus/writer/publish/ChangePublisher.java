package org.postbus.writer.publish;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jboss.logging.Logger;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.writer.table.ChangeLogTable;
import org.postbus.writer.table.ChangeOutboxTable.Due;
import org.postbus.writer.table.ChangeOutboxTable.UnpublishedAccount;
import org.postbus.writer.table.ChangeOutboxTable;
import org.postbus.writer.table.ChangeRow;

/**
 * Publishes the rows of {@code change_log} that are in the outbox, in the order of their sequence numbers, and removes them from the outbox when
 * the broker has acknowledged them. Runs beside the applying of batches and never delays it. Rows that this process has just committed
 * are not read back.
 *
 * <p>Publishing starts at the lowest unpublished row, so two publishers of one account can repeat records but can not change the order of their
 * first appearances. An advisory lock avoids most repetitions. If the process ends between the acknowledgement and the commit, the same
 * rows are published again, byte for byte. A sweep publishes what a crash or an unavailable broker left in the outbox.
 */
public final class ChangePublisher implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(ChangePublisher.class);

    private static final Duration SWEEP_INTERVAL = Duration.ofSeconds(2);
    private static final int SWEEP_ACCOUNTS_MAX = 200;
    /** Each holds a connection of the pool while it waits for the broker. */
    private static final int AT_ONCE_MAX = 4;

    private static final int ROWS_MAX = 500;

    private enum Notification {
        HANDLED,
        REPEATED
    }

    private final TenantTransactions transactions;
    private final RecordProducer producer;
    private final PublicationMetrics metrics;
    private final CommittedRows committedRows = new CommittedRows();
    private final ConcurrentHashMap<AccountId, Notification> notifications = new ConcurrentHashMap<>();
    private final Semaphore permits = new Semaphore(AT_ONCE_MAX);
    private final CountDownLatch stopped = new CountDownLatch(1);

    public ChangePublisher(TenantTransactions transactions, RecordProducer producer, PublicationMetrics metrics) {
        this.transactions = transactions;
        this.producer = producer;
        this.metrics = metrics;
    }

    /** Starts the sweep: at once, and then at intervals. */
    public void start() {
        Thread.ofVirtual().name("publication-sweep").start(this::sweepUntilStopped);
    }

    /**
     * The account has new changes. Returns at once.
     *
     * @param committed the first of them, in order; the others are read from the table
     */
    public void publishSoon(TenantId tenant, AccountId account, List<ChangeRow> committed) {
        committedRows.add(account, committed);
        Notification before = notifications.putIfAbsent(account, Notification.HANDLED);
        if (before == null) {
            Thread.ofVirtual().name("publish-" + account).start(() -> publishAll(tenant, account));
        } else {
            notifications.computeIfPresent(account, (key, notification) -> Notification.REPEATED);
        }
    }

    /** A notification that comes while the account is being published makes it be published once more, so no change waits for the sweep. */
    private void publishAll(TenantId tenant, AccountId account) {
        try {
            do {
                notifications.put(account, Notification.HANDLED);
                permits.acquire();
                try {
                    while (publish(tenant, account) && stopped.getCount() > 0) {
                        continue;
                    }
                } finally {
                    permits.release();
                }
            } while (!notifications.remove(account, Notification.HANDLED) && stopped.getCount() > 0);
        } catch (InfrastructureFailureException e) {
            notifications.remove(account);
            committedRows.drop(account);
            LOG.warnf("changes of account %s are published by a later sweep: %s", account, e.getMessage());
        } catch (InterruptedException e) {
            notifications.remove(account);
            Thread.currentThread().interrupt();
        }
    }

    /** @return whether more is due; false also if another publisher has the account's lock */
    public boolean publish(TenantId tenant, AccountId account) {
        return transactions.call(tenant, transaction -> {
            // Sent together: PostgreSQL reads the outbox after it has tried the lock, and the answer is ignored without it.
            var lock = ChangeOutboxTable.tryLock(transaction, account);
            var outbox = ChangeOutboxTable.queryDue(transaction, account);
            boolean locked = ChangeOutboxTable.isLocked(transaction.rows(lock));
            Optional<Due> due = ChangeOutboxTable.due(transaction.rows(outbox));
            if (!locked || due.isEmpty()) {
                committedRows.drop(account);
                return false;
            }
            List<ChangeRow> rows = committedRows.take(account, due.get(), ROWS_MAX);
            if (rows.isEmpty()) {
                rows = ChangeLogTable.read(
                        transaction, account, due.get().first(), due.get().last(), ROWS_MAX);
            }
            if (rows.isEmpty()) {
                return false;
            }
            List<ProducerRecord<String, byte[]>> records =
                    rows.stream().map(row -> CloudEvents.of(account, row)).toList();
            producer.send(records);
            metrics.published(rows.size());
            long last = rows.getLast().seq();
            ChangeOutboxTable.removePublished(transaction, account, last);
            return last < due.get().last();
        });
    }

    private void sweepUntilStopped() {
        try {
            do {
                sweep();
            } while (!stopped.await(SWEEP_INTERVAL.toMillis(), TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void sweep() {
        try {
            List<UnpublishedAccount> accounts = transactions.callWithoutTenant(
                    transaction -> ChangeOutboxTable.accounts(transaction, SWEEP_ACCOUNTS_MAX));
            metrics.unpublishedAccounts(accounts.size());
            accounts.forEach(unpublished -> publishSoon(unpublished.tenant(), unpublished.account(), List.of()));
        } catch (InfrastructureFailureException e) {
            LOG.warnf("the sweep for unpublished changes failed: %s", e.getMessage());
        }
    }

    @Override
    public void close() {
        stopped.countDown();
    }
}
