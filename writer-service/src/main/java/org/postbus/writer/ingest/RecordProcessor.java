package org.postbus.writer.ingest;

import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.writer.apply.BatchApplier;
import org.postbus.writer.ingest.RecordApplication.Next;
import org.postbus.writer.publish.ChangePublisher;

/**
 * Processes a record: has it decoded, applied and its changes published.
 *
 * <p>An infrastructure failure is retried for as long as it lasts: no record is skipped because of it, and no later record of the same account is
 * applied before it. A record that is poison as a whole is quarantined, after a pause that grows if the account has others: its fetcher reads the
 * same mail again, and the next record may be the same.
 */
public final class RecordProcessor implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(RecordProcessor.class);

    private static final Duration RETRY_FIRST = Duration.ofMillis(200);
    private static final Duration RETRY_MAX = Duration.ofSeconds(15);
    private static final int REREAD_MAX = 16;

    private final BatchApplier applier;
    private final ChangePublisher publisher;
    private final Quarantine quarantine;
    private final BatchMetrics metrics;
    private final Clock clock;
    /** For records that are read again. They are held in memory beyond its limits, and no connection waits for Kafka. */
    private final FairPermits<String> rereads = new FairPermits<>(REREAD_MAX);

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
     * Returns when the record is applied or quarantined. It holds a permit of its tenant during each transaction, and none between two or while it
     * waits for a retry.
     *
     * @throws InfrastructureFailureException only while the process stops; the record is consumed again after the restart
     */
    void process(WaitingRecord record, RecordMemory memory, FairPermits<String> permits) {
        RecordApplication application = new RecordApplication(applier, publisher, metrics, clock, record);
        Next next = new Next.Continue();
        Duration delay = RETRY_FIRST;
        while (!(next instanceof Next.Nothing)) {
            requireRunning();
            if (next instanceof Next.Poison) {
                pause(quarantine.pauseBefore(record));
            }
            try {
                next = step(next, application, record, memory, permits);
                delay = RETRY_FIRST;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InfrastructureFailureException("interrupted", e);
            } catch (InfrastructureFailureException e) {
                memory.leaveAll(record.account());
                metrics.retried();
                LOG.warnf(
                        "record %s is retried in about %d ms: %s", record.position(), delay.toMillis(), e.getMessage());
                pause(jittered(delay));
                delay = delay.multipliedBy(2).compareTo(RETRY_MAX) < 0 ? delay.multipliedBy(2) : RETRY_MAX;
            }
        }
    }

    private Next step(
            Next next,
            RecordApplication application,
            WaitingRecord record,
            RecordMemory memory,
            FairPermits<String> permits)
            throws InterruptedException {
        if (memory.holds(record)) {
            try (FairPermits<String>.Permit permit = permits.acquire(record.tenant())) {
                Optional<byte[]> octets = memory.take(record);
                // Others may have taken its room while it waited for the permit.
                boolean left = octets.isEmpty() && record.value().isPresent();
                return left ? next : step(next, application, record, octets);
            }
        }
        try (FairPermits<String>.Permit reread = rereads.acquire(record.tenant())) {
            Optional<byte[]> octets = memory.takeAgain(record);
            try (FairPermits<String>.Permit permit = permits.acquire(record.tenant())) {
                return step(next, application, record, octets);
            }
        }
    }

    private Next step(Next next, RecordApplication application, WaitingRecord record, Optional<byte[]> octets) {
        if (next instanceof Next.Poison(String reason)) {
            quarantine.add(record, octets.orElse(new byte[0]), reason);
            metrics.quarantined();
            return new Next.Nothing();
        }
        if (octets.isPresent()) {
            return application.next(octets.get());
        }
        if (record.value().isEmpty()) {
            return new Next.Poison("the record has no value");
        }
        LOG.errorf("record %s was deleted from the topic before it could be applied", record.position());
        metrics.expired();
        // The fetcher may wait for this very batch, so no later one would show the gap: a new claim ends the wait.
        quarantine.add(record, new byte[0], "the record was deleted from the topic before it could be applied");
        return new Next.Nothing();
    }

    private void requireRunning() {
        if (stopped.getCount() == 0) {
            throw new InfrastructureFailureException("stopped before the record was applied", null);
        }
    }

    private static Duration jittered(Duration delay) {
        return Duration.ofMillis(
                delay.toMillis() / 2 + ThreadLocalRandom.current().nextLong(delay.toMillis()));
    }

    private void pause(Duration duration) {
        try {
            if (stopped.await(duration.toMillis(), TimeUnit.MILLISECONDS)) {
                requireRunning();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfrastructureFailureException("interrupted", e);
        }
    }

    /** Records that wait for a retry are given up; they are not acknowledged. */
    @Override
    public void close() {
        stopped.countDown();
    }
}
