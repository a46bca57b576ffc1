package org.postbus.writer.ingest;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jboss.logging.Logger;
import org.postbus.codec.MalformedRecordException;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.sql.UnstorableDataException;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.apply.BatchApplier;
import org.postbus.writer.apply.BatchApplier.Outcome;
import org.postbus.writer.apply.InapplicableException;
import org.postbus.writer.publish.ChangePublisher;
import org.postbus.writer.table.WriterDatabase;

/**
 * Processes the records of one poll: accounts in parallel, the records of an account in order. Returns when every record is applied or
 * quarantined, so that all of them may be acknowledged.
 *
 * <p>A poison message is quarantined. An infrastructure failure is retried for as long as it lasts: no record is skipped because of it, and no
 * later record of the same account is applied before it.
 */
public final class RecordProcessor implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(RecordProcessor.class);

    /** Each uses a connection of the pool. The others are for publishing. */
    private static final int ACCOUNTS_MAX = WriterDatabase.CONNECTIONS_MAX - 4;

    private static final Duration RETRY_FIRST = Duration.ofMillis(200);
    private static final Duration RETRY_MAX = Duration.ofSeconds(15);

    private final BatchApplier applier;
    private final ChangePublisher publisher;
    private final Quarantine quarantine;
    private final BatchMetrics metrics;
    private final Clock clock;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Semaphore permits = new Semaphore(ACCOUNTS_MAX);
    private final CountDownLatch stopped = new CountDownLatch(1);

    public RecordProcessor(
            BatchApplier applier, ChangePublisher publisher, Quarantine quarantine, BatchMetrics metrics, Clock clock) {
        this.applier = applier;
        this.publisher = publisher;
        this.quarantine = quarantine;
        this.metrics = metrics;
        this.clock = clock;
    }

    /** @throws InfrastructureFailureException only while the process stops; the records are consumed again after the restart */
    public void process(Iterable<ConsumerRecord<String, byte[]>> records) {
        Map<String, List<ConsumerRecord<String, byte[]>>> byAccount = new LinkedHashMap<>();
        for (ConsumerRecord<String, byte[]> record : records) {
            byAccount.computeIfAbsent(record.key(), key -> new ArrayList<>()).add(record);
        }
        List<Future<?>> accounts = new ArrayList<>(byAccount.size());
        byAccount.values().forEach(ofAccount -> accounts.add(threads.submit(() -> processInOrder(ofAccount))));
        for (Future<?> account : accounts) {
            try {
                account.get();
            } catch (ExecutionException e) {
                throw new InfrastructureFailureException("stopped before all records were applied", e.getCause());
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
        }
    }

    private void processInOrder(List<ConsumerRecord<String, byte[]>> records) {
        try {
            permits.acquire();
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        try {
            records.forEach(this::processWithRetries);
        } finally {
            permits.release();
        }
    }

    private static InfrastructureFailureException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new InfrastructureFailureException("interrupted", e);
    }

    private void processWithRetries(ConsumerRecord<String, byte[]> record) {
        Duration delay = RETRY_FIRST;
        while (true) {
            try {
                process(record);
                return;
            } catch (InfrastructureFailureException e) {
                metrics.retried();
                LOG.warnf(
                        "record %s-%d@%d is retried in about %d ms: %s",
                        record.topic(), record.partition(), record.offset(), delay.toMillis(), e.getMessage());
                awaitRetry(delay, e);
                delay = delay.multipliedBy(2).compareTo(RETRY_MAX) < 0 ? delay.multipliedBy(2) : RETRY_MAX;
            }
        }
    }

    private void awaitRetry(Duration delay, InfrastructureFailureException cause) {
        long jittered = delay.toMillis() / 2 + ThreadLocalRandom.current().nextLong(delay.toMillis());
        try {
            if (stopped.await(jittered, TimeUnit.MILLISECONDS)) {
                throw cause;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw cause;
        }
    }

    private void process(ConsumerRecord<String, byte[]> record) {
        try {
            metrics.apply().record(() -> decodeAndApply(record));
        } catch (InfrastructureFailureException e) {
            throw e;
        } catch (MalformedRecordException | InapplicableException | UnstorableDataException e) {
            quarantine(record, e.getMessage());
        } catch (RuntimeException e) {
            // A bug that one record triggers must not stop the other records. The message is left out: it may quote
            // mail.
            LOG.errorf(e, "record %s-%d@%d can not be applied", record.topic(), record.partition(), record.offset());
            quarantine(record, e.getClass().getName());
        }
    }

    private void decodeAndApply(ConsumerRecord<String, byte[]> record) {
        if (record.value() == null) {
            throw new InapplicableException("the record has no value");
        }
        ObservationBatch batch = ObservationDecoder.decode(record.value());
        if (!batch.accountId().toString().equals(record.key())) {
            throw new InapplicableException("the record's key is not the account of its batch");
        }
        Outcome outcome = applier.apply(batch, clock.instant());
        metrics.count(outcome);
        switch (outcome) {
            case Outcome.Applied applied -> {
                if (applied.changes() > 0) {
                    publisher.publishSoon(batch.tenantId(), batch.accountId(), applied.rows());
                }
            }
            case Outcome.Gap gap ->
                LOG.warnf(
                        "account %s: batches before fence %d, seq %d are missing; the account is claimed anew",
                        batch.accountId(), batch.fence(), batch.seq());
            case Outcome.Stale stale ->
                LOG.debugf("account %s: batch of a superseded claim, fence %d", batch.accountId(), batch.fence());
            case Outcome.Duplicate duplicate ->
                LOG.debugf("account %s: duplicate of fence %d, seq %d", batch.accountId(), batch.fence(), batch.seq());
            case Outcome.AccountGone gone -> LOG.debugf("account %s has been deleted", batch.accountId());
        }
    }

    private void quarantine(ConsumerRecord<String, byte[]> record, String reason) {
        quarantine.add(record, reason);
        metrics.quarantined();
    }

    /** Records that wait for a retry are given up; they are not acknowledged. */
    @Override
    public void close() {
        stopped.countDown();
        threads.close();
    }
}
