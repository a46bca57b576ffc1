package org.postbus.writer.publish;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.jboss.logging.Logger;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.Topics;
import org.postbus.writer.ingest.BatchMetrics;
import org.postbus.writer.table.ChangeLogTable.Due;
import org.postbus.writer.table.ChangeLogTable.Row;
import org.postbus.writer.table.ChangeLogTable;
import org.postbus.writer.table.Database;
import org.postbus.writer.table.UnavailableException;

/**
 * Tells the world: puts the rows of {@code change_log} that are in the outbox on the topic, in the order of their sequence
 * numbers, and takes them out of the outbox when the broker has acknowledged them. What this process has just committed it does not
 * read back. Runs beside the applying of batches and never holds it up.
 *
 * <p>Whoever publishes sends from the lowest unpublished row on, so even two publishers of one account can only repeat records,
 * never let one overtake another's first appearance; the advisory lock spares subscribers the repetition. If the process ends
 * between the two, the rows are published again, identical to the byte. What was left over by a crash, or by a
 * broker that was away, is found by the sweep.
 */
public final class ChangePublisher implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(ChangePublisher.class);

    static final Duration SWEEP_INTERVAL = Duration.ofSeconds(2);
    private static final int SWEEP_ACCOUNTS_MAX = 200;
    /** Each holds a connection of the pool while it waits for the broker. */
    private static final int AT_ONCE_MAX = 4;

    private static final int ROWS_MAX = 500;

    private enum Bell {
        ANSWERED,
        RUNG_AGAIN
    }

    private final Database database;
    private final RecordProducer producer;
    private final BatchMetrics metrics;
    private final CommittedRows fresh = new CommittedRows();
    private final ConcurrentHashMap<AccountId, Bell> bells = new ConcurrentHashMap<>();
    private final Semaphore atOnce = new Semaphore(AT_ONCE_MAX);
    private final CountDownLatch stopped = new CountDownLatch(1);

    public ChangePublisher(Database database, RecordProducer producer, BatchMetrics metrics) {
        this.database = database;
        this.producer = producer;
        this.metrics = metrics;
    }

    /** Starts to look for what was left over, at once and then regularly. */
    public void start() {
        Thread.ofVirtual().name("publication-sweeper").start(this::sweepUntilStopped);
    }

    /**
     * There are new changes of this account. Returns at once.
     *
     * @param committed some of them, in order; the others are read
     */
    public void ring(TenantId tenant, AccountId account, List<Row> committed) {
        fresh.add(account, committed);
        Bell before = bells.putIfAbsent(account, Bell.ANSWERED);
        if (before == null) {
            Thread.ofVirtual().name("publish-" + account).start(() -> answer(tenant, account));
        } else {
            bells.computeIfPresent(account, (key, bell) -> Bell.RUNG_AGAIN);
        }
    }

    /** An account that is rung while it is answered is answered once more, so no change waits for the sweep. */
    private void answer(TenantId tenant, AccountId account) {
        try {
            do {
                bells.put(account, Bell.ANSWERED);
                atOnce.acquire();
                try {
                    while (publish(tenant, account) && stopped.getCount() > 0) {
                        continue;
                    }
                } finally {
                    atOnce.release();
                }
            } while (!bells.remove(account, Bell.ANSWERED) && stopped.getCount() > 0);
        } catch (UnavailableException e) {
            bells.remove(account);
            fresh.forget(account);
            LOG.warnf("changes of account %s wait for the next sweep: %s", account, e.getMessage());
        } catch (InterruptedException e) {
            bells.remove(account);
            Thread.currentThread().interrupt();
        }
    }

    /** @return whether more is due: it is another's turn, or a broker's, if not */
    public boolean publish(TenantId tenant, AccountId account) {
        return database.inTransaction(tenant, transaction -> {
            // Both at once: what is due is read after the lock is had, and is of no interest without it.
            var lock = ChangeLogTable.askPublicationLock(transaction, account);
            var asked = ChangeLogTable.askDue(transaction, account);
            boolean locked = ChangeLogTable.locked(transaction.rows(lock));
            Optional<Due> due = ChangeLogTable.due(transaction.rows(asked));
            if (!locked || due.isEmpty()) {
                fresh.forget(account);
                return false;
            }
            List<Row> rows = fresh.take(account, due.get(), ROWS_MAX);
            if (rows.isEmpty()) {
                rows = ChangeLogTable.read(
                        transaction, account, due.get().first(), due.get().last(), ROWS_MAX);
            }
            if (rows.isEmpty()) {
                return false;
            }
            List<ProducerRecord<String, byte[]>> records = new ArrayList<>(rows.size());
            rows.forEach(row -> records.add(cloudEvent(account, row)));
            producer.send(records);
            metrics.published(rows.size());
            long last = rows.getLast().seq();
            ChangeLogTable.markPublished(transaction, account, last);
            return last < due.get().last();
        });
    }

    /** CloudEvents 1.0, Kafka protocol binding, binary content mode. */
    static ProducerRecord<String, byte[]> cloudEvent(AccountId account, Row row) {
        ProducerRecord<String, byte[]> record = new ProducerRecord<>(Topics.CHANGES, account.toString(), row.data());
        Headers headers = record.headers();
        add(headers, "ce_specversion", "1.0");
        add(headers, "ce_id", row.eventId().toString());
        add(headers, "ce_type", row.type());
        add(headers, "ce_source", "/postbus/accounts/" + account);
        add(headers, "ce_time", DateTimeFormatter.ISO_INSTANT.format(row.at()));
        row.objectId().ifPresent(object -> add(headers, "ce_subject", object.toString()));
        add(headers, "content-type", "application/json");
        return record;
    }

    private static void add(Headers headers, String name, String value) {
        headers.add(name, value.getBytes(StandardCharsets.UTF_8));
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
            List<ChangeLogTable.Unpublished> accounts = database.withoutTenant(
                    transaction -> ChangeLogTable.accountsWithUnpublished(transaction, SWEEP_ACCOUNTS_MAX));
            metrics.unpublishedAccounts(accounts.size());
            accounts.forEach(unpublished -> ring(unpublished.tenant(), unpublished.account(), List.of()));
        } catch (UnavailableException e) {
            LOG.warnf("no sweep for unpublished changes: %s", e.getMessage());
        }
    }

    @Override
    public void close() {
        stopped.countDown();
    }
}
