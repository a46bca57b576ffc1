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
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.apply.BatchApplier;
import org.postbus.writer.publish.ChangePublisher;
import org.postbus.writer.table.Database;
import org.postbus.writer.table.InapplicableException;
import org.postbus.writer.table.UnavailableException;

/**
 * Applies the records of one poll: the accounts beside each other, the records of an account in order. Returns when every
 * record has been applied or is in quarantine, so that all of them may be acknowledged.
 *
 * <p>A fault of the record sends it to quarantine. A fault of the surroundings is waited out, for as long as it takes: nothing
 * is skipped for it, and nothing of the same account is applied before it.
 */
public final class RecordProcessor implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(RecordProcessor.class);

    /** Each uses a connection of the pool. */
    static final int ACCOUNTS_AT_ONCE = Database.CONNECTIONS_MAX - 4;

    private static final Duration RETRY_FIRST = Duration.ofMillis(200);
    private static final Duration RETRY_MAX = Duration.ofSeconds(15);

    private final BatchApplier applier;
    private final ChangePublisher publisher;
    private final Quarantine quarantine;
    private final BatchMetrics metrics;
    private final Clock clock;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Semaphore atOnce = new Semaphore(ACCOUNTS_AT_ONCE);
    private final CountDownLatch stopped = new CountDownLatch(1);

    public RecordProcessor(
            BatchApplier applier,
            ChangePublisher publisher,
            Quarantine quarantine,
            BatchMetrics metrics,
            Clock clock) {
        this.applier = applier;
        this.publisher = publisher;
        this.quarantine = quarantine;
        this.metrics = metrics;
        this.clock = clock;
    }

    /** @throws UnavailableException only when the process is being stopped; the records will come again */
    public void apply(Iterable<ConsumerRecord<String, byte[]>> records) {
        Map<String, List<ConsumerRecord<String, byte[]>>> byAccount = new LinkedHashMap<>();
        for (ConsumerRecord<String, byte[]> record : records) {
            byAccount.computeIfAbsent(record.key(), key -> new ArrayList<>()).add(record);
        }
        List<Future<?>> accounts = new ArrayList<>(byAccount.size());
        byAccount.values().forEach(ofOne -> accounts.add(threads.submit(() -> applyInOrder(ofOne))));
        for (Future<?> account : accounts) {
            try {
                account.get();
            } catch (ExecutionException e) {
                throw new UnavailableException("stopped before all records were applied", e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new UnavailableException("interrupted", e);
            }
        }
    }

    private void applyInOrder(List<ConsumerRecord<String, byte[]>> records) {
        try {
            atOnce.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted", e);
        }
        try {
            records.forEach(this::applyPatiently);
        } finally {
            atOnce.release();
        }
    }

    private void applyPatiently(ConsumerRecord<String, byte[]> record) {
        Duration pause = RETRY_FIRST;
        while (true) {
            try {
                apply(record);
                return;
            } catch (UnavailableException e) {
                metrics.retried();
                LOG.warnf(
                        "%s-%d@%d waits, next try in about %d ms: %s",
                        record.topic(), record.partition(), record.offset(), pause.toMillis(), e.getMessage());
                awaitNextTry(pause, e);
                pause = pause.multipliedBy(2).compareTo(RETRY_MAX) < 0 ? pause.multipliedBy(2) : RETRY_MAX;
            }
        }
    }

    private void awaitNextTry(Duration pause, UnavailableException cause) {
        long jittered = pause.toMillis() / 2 + ThreadLocalRandom.current().nextLong(pause.toMillis());
        try {
            if (stopped.await(jittered, TimeUnit.MILLISECONDS)) {
                throw cause;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw cause;
        }
    }

    private void apply(ConsumerRecord<String, byte[]> record) {
        try {
            metrics.apply().record(() -> decodeAndApply(record));
        } catch (UnavailableException e) {
            throw e;
        } catch (MalformedRecordException | InapplicableException e) {
            quarantine(record, e.getMessage());
        } catch (RuntimeException e) {
            // A mistake of ours that this record brings to light must not stop the others. Without the message: it may
            // quote mail.
            LOG.errorf(e, "%s-%d@%d cannot be applied", record.topic(), record.partition(), record.offset());
            quarantine(record, e.getClass().getName());
        }
    }

    private void decodeAndApply(ConsumerRecord<String, byte[]> record) {
        if (record.value() == null) {
            throw new InapplicableException("the record has no value");
        }
        ObservationBatch batch = ObservationDecoder.decode(record.value());
        if (!batch.accountId().toString().equals(record.key())) {
            throw new InapplicableException("the record's key is not its account");
        }
        BatchApplier.Outcome outcome = applier.apply(batch, clock.instant());
        metrics.count(outcome);
        switch (outcome) {
            case BatchApplier.Outcome.Applied applied -> {
                if (applied.changes() > 0) {
                    publisher.ring(batch.tenantId(), batch.accountId(), applied.rows());
                }
            }
            case BatchApplier.Outcome.Gap gap ->
                LOG.warnf(
                        "account %s has a gap before fence %d, seq %d: it is claimed anew",
                        batch.accountId(), batch.fence(), batch.seq());
            case BatchApplier.Outcome.Stale stale ->
                LOG.debugf("account %s: a batch of an older claim, fence %d", batch.accountId(), batch.fence());
            case BatchApplier.Outcome.Duplicate duplicate ->
                LOG.debugf("account %s: fence %d, seq %d again", batch.accountId(), batch.fence(), batch.seq());
            case BatchApplier.Outcome.AccountGone gone -> LOG.debugf("account %s has been deleted", batch.accountId());
        }
    }

    private void quarantine(ConsumerRecord<String, byte[]> record, String why) {
        quarantine.keep(record, why);
        metrics.quarantined();
    }

    /** Those that wait for a next try give up. */
    @Override
    public void close() {
        stopped.countDown();
        threads.close();
    }
}
