package org.postbus.writer.ingest;

import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jboss.logging.Logger;
import org.postbus.codec.MalformedRecordException;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.kit.sql.UnstorableDataException;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.apply.BatchApplier;
import org.postbus.writer.apply.BatchApplier.Outcome;
import org.postbus.writer.apply.InapplicableException;
import org.postbus.writer.publish.ChangePublisher;

/**
 * Processes a record: decodes it, applies it and has its changes published.
 *
 * <p>A poison message is quarantined. An infrastructure failure is retried for as long as it lasts: no record is skipped because of it, and no
 * later record of the same account is applied before it.
 */
public final class RecordProcessor implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(RecordProcessor.class);

    private static final Duration RETRY_FIRST = Duration.ofMillis(200);
    private static final Duration RETRY_MAX = Duration.ofSeconds(15);

    private final BatchApplier applier;
    private final ChangePublisher publisher;
    private final Quarantine quarantine;
    private final BatchMetrics metrics;
    private final Clock clock;
    private final CountDownLatch stopped = new CountDownLatch(1);

    public RecordProcessor(
            BatchApplier applier, ChangePublisher publisher, Quarantine quarantine, BatchMetrics metrics, Clock clock) {
        this.applier = applier;
        this.publisher = publisher;
        this.quarantine = quarantine;
        this.metrics = metrics;
        this.clock = clock;
    }

    /**
     * Returns when the record is applied or quarantined. It holds a permit of its tenant while it is tried, and none while it waits for a retry.
     *
     * @throws InfrastructureFailureException only while the process stops; the record is consumed again after the restart
     */
    void process(ConsumerRecord<String, byte[]> record, FairPermits<String> permits, String tenant) {
        Duration delay = RETRY_FIRST;
        while (true) {
            if (stopped.getCount() == 0) {
                throw new InfrastructureFailureException("stopped before the record was applied", null);
            }
            try (FairPermits<String>.Permit permit = permits.acquire(tenant)) {
                process(record);
                return;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InfrastructureFailureException("interrupted", e);
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
    }
}
