package org.postbus.writer.publish;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.CoalescedNotifications;
import org.postbus.kit.concurrent.CoalescedNotifications.Limits;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.writer.table.ChangeLogTable;
import org.postbus.writer.table.ChangeOutboxTable;
import org.postbus.writer.table.ChangeOutboxTable.Due;
import org.postbus.writer.table.ChangeOutboxTable.UnpublishedAccount;
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
    private static final Duration SWEEP_INTERVAL = Duration.ofSeconds(2);
    private static final int SWEEP_ACCOUNTS_MAX = 200;
    /** Accounts at once, the tenants in turn. Each holds a connection of the pool while it waits for the broker. */
    private static final int ACCOUNTS_MAX = 4;

    private static final int ROWS_MAX = 500;

    private final TenantTransactions transactions;
    private final RecordProducer producer;
    private final PublicationMetrics metrics;
    private final DeletionPublisher deletions;
    private final FairPermits<TenantId> permits;
    private final CommittedRows committedRows = new CommittedRows();
    /** A notification that comes while its account is being published causes one more run, so no change waits for the sweep. */
    private final CoalescedNotifications<UnpublishedAccount> notifications =
            new CoalescedNotifications<>("publish", Limits.NONE, this::publishAll);

    private final PeriodicJob sweep = new PeriodicJob("publication-sweep", SWEEP_INTERVAL, this::sweep);

    public ChangePublisher(TenantTransactions transactions, RecordProducer producer, PublicationMetrics metrics) {
        this.transactions = transactions;
        this.producer = producer;
        this.metrics = metrics;
        this.deletions = new DeletionPublisher(transactions, producer);
        this.permits = new FairPermits<>(ACCOUNTS_MAX, metrics.permitWaits());
    }

    /** Starts the sweep: at once, and then at intervals. */
    public void start() {
        sweep.start();
    }

    /**
     * The account has new changes. Returns at once.
     *
     * @param committed the first of them, in order; the others are read from the table
     */
    public void publishSoon(TenantId tenant, AccountId account, List<ChangeRow> committed) {
        committedRows.add(account, committed);
        notifications.notify(new UnpublishedAccount(tenant, account));
    }

    private void publishAll(UnpublishedAccount unpublished) throws InterruptedException {
        try (FairPermits<TenantId>.Permit permit = permits.acquire(unpublished.tenant())) {
            while (publish(unpublished.tenant(), unpublished.account()) && !sweep.isStopped()) {
                continue;
            }
        } catch (InfrastructureFailureException e) {
            // They are published by a later sweep, which reads them from the table.
            committedRows.drop(unpublished.account());
            throw e;
        }
    }

    /** @return whether more is due; false also if another publisher has the account's lock */
    boolean publish(TenantId tenant, AccountId account) {
        return transactions.call(tenant, transaction -> {
            // Sent together: PostgreSQL reads the outbox after it has tried the lock, and the answer is ignored without
            // it.
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

    private void sweep() {
        List<UnpublishedAccount> accounts = transactions.callWithoutTenant(
                transaction -> ChangeOutboxTable.accounts(transaction, SWEEP_ACCOUNTS_MAX));
        metrics.unpublishedAccounts(accounts.size());
        accounts.forEach(notifications::notify);
        deletions.publishDue();
    }

    @Override
    public void close() {
        sweep.close();
        notifications.close();
    }
}
