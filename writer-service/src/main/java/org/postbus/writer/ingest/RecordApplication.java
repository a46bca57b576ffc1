package org.postbus.writer.ingest;

import io.vertx.pgclient.PgException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.postbus.codec.MalformedRecordException;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.sql.UnstorableDataException;
import org.postbus.observation.ObservationBatch;
import org.postbus.writer.apply.BatchApplier;
import org.postbus.writer.apply.BatchApplier.Outcome;
import org.postbus.writer.apply.InapplicableException;
import org.postbus.writer.decide.StorableText;
import org.postbus.writer.ingest.ObservationDecoder.Readable;
import org.postbus.writer.publish.ChangePublisher;
import org.postbus.writer.table.ChangeRow;

/**
 * Applies one record, a transaction at a time. If a transaction fails because of the data, or takes too long, the next ones are smaller, down to one
 * observation. One that fails alone is left out: it is quarantined, and the others are applied.
 */
final class RecordApplication {
    private static final Logger LOG = Logger.getLogger(RecordApplication.class);

    /** A failed transaction had up to 2,000 rows: 250, 31, 3 and 1 follow. */
    private static final int NARROWING = 8;
    /** With more refused observations the others are applied one at a time, because they will probably be refused too. */
    private static final int REFUSED_MAX = 5;

    private static final int REASON_LENGTH_MAX = 1000;
    /** PostgreSQL cancels a statement that runs for too long. */
    private static final String QUERY_CANCELED = "57014";
    /** Of one observation alone. An overloaded database recovers; an observation that it cannot store in time delays its account. */
    private static final int TIMEOUTS_MAX = 8;

    private static final Duration TIMEOUTS_TIME_MIN = Duration.ofMinutes(20);

    private final BatchApplier applier;
    private final ChangePublisher publisher;
    private final BatchMetrics metrics;
    private final Clock clock;
    private final WaitingRecord waiting;
    /** Present if the record has observations that cannot be decoded: whether these are in quarantine. */
    private Optional<Boolean> unreadable = Optional.empty();

    private int rowsMax = BatchApplier.ROWS_MAX;
    private int refused;
    private int timeouts;
    private Optional<Instant> firstTimeout = Optional.empty();

    RecordApplication(
            BatchApplier applier, ChangePublisher publisher, BatchMetrics metrics, Clock clock, WaitingRecord waiting) {
        this.applier = applier;
        this.publisher = publisher;
        this.metrics = metrics;
        this.clock = clock;
        this.waiting = waiting;
    }

    /** What is to be done next. */
    sealed interface Next {
        record Nothing() implements Next {}

        /** The next transaction. */
        record Continue() implements Next {}

        /** The record as a whole is to be quarantined. */
        record Poison(String reason) implements Next {}
    }

    /**
     * Runs one transaction.
     *
     * @throws InfrastructureFailureException if it failed for a reason that is not the data's; to be called again later
     */
    Next next(byte[] value) {
        Readable record;
        try {
            record = decode(value);
        } catch (MalformedRecordException e) {
            return new Next.Poison(String.valueOf(e.getMessage()));
        }
        ObservationBatch batch = record.batch();
        if (!batch.accountId().toString().equals(waiting.account())) {
            return new Next.Poison("the record's key is not the account of its batch");
        }
        try {
            return after(batch, metrics.apply().record(() -> apply(record)));
        } catch (InfrastructureFailureException e) {
            if (!isTimeout(e)) {
                throw e;
            }
            return tookTooLong(batch, e);
        } catch (InapplicableException e) {
            return new Next.Poison(e.getMessage());
        } catch (UnstorableDataException e) {
            return narrow(batch, e.getMessage());
        } catch (RuntimeException e) {
            // A bug that one observation triggers. The message is left out of the reason: it may quote mail.
            LOG.errorf(e, "record %s can not be applied", waiting.position());
            return narrow(batch, e.getClass().getName());
        }
    }

    private Readable decode(byte[] value) {
        if (unreadable.isPresent()) {
            return ObservationDecoder.decodeReadable(value);
        }
        try {
            return new Readable(ObservationDecoder.decode(value), List.of());
        } catch (MalformedRecordException e) {
            Readable readable = ObservationDecoder.decodeReadable(value);
            LOG.errorf(
                    "%d observations of record %s can not be decoded: %s",
                    readable.unreadable().size(), waiting.position(), e.getMessage());
            unreadable = Optional.of(false);
            return readable;
        }
    }

    private Outcome apply(Readable record) {
        if (record.unreadable().isEmpty() || unreadable.orElse(true)) {
            return applier.apply(record.batch(), clock.instant(), rowsMax);
        }
        Outcome outcome = applier.quarantine(record.batch(), clock.instant(), waiting.position(), record.unreadable());
        unreadable = Optional.of(true);
        record.unreadable().forEach(observation -> metrics.refused());
        return outcome;
    }

    private Next tookTooLong(ObservationBatch batch, InfrastructureFailureException timeout) {
        if (rowsMax > 1) {
            rowsMax = Math.max(1, rowsMax / NARROWING);
            throw timeout;
        }
        Instant now = clock.instant();
        timeouts++;
        firstTimeout = firstTimeout.or(() -> Optional.of(now));
        boolean longEnough = Duration.between(firstTimeout.get(), now).compareTo(TIMEOUTS_TIME_MIN) >= 0;
        if (timeouts < TIMEOUTS_MAX || !longEnough) {
            throw timeout;
        }
        timeouts = 0;
        firstTimeout = Optional.empty();
        return narrow(batch, "the database needs too long to store it");
    }

    private Next narrow(ObservationBatch batch, String reason) {
        if (rowsMax > 1) {
            rowsMax = Math.max(1, rowsMax / NARROWING);
            return new Next.Continue();
        }
        String storable = StorableText.of(reason, REASON_LENGTH_MAX);
        try {
            Outcome outcome = applier.refuseNext(batch, clock.instant(), waiting.position(), storable);
            LOG.errorf("an observation of record %s is quarantined: %s", waiting.position(), storable);
            metrics.refused();
            refused++;
            rowsMax = refused < REFUSED_MAX ? BatchApplier.ROWS_MAX : 1;
            return after(batch, outcome);
        } catch (InfrastructureFailureException e) {
            throw e;
        } catch (RuntimeException e) {
            LOG.errorf(e, "an observation of record %s can not be quarantined", waiting.position());
            return new Next.Poison(storable);
        }
    }

    private Next after(ObservationBatch batch, Outcome outcome) {
        metrics.count(outcome);
        return switch (outcome) {
            case Outcome.Applied applied -> {
                publish(batch, applied.changes(), applied.rows());
                yield new Next.Nothing();
            }
            case Outcome.AppliedInPart part -> {
                publish(batch, part.changes(), part.rows());
                timeouts = 0;
                firstTimeout = Optional.empty();
                if (refused < REFUSED_MAX) {
                    rowsMax = Math.min(BatchApplier.ROWS_MAX, rowsMax * 2);
                }
                yield new Next.Continue();
            }
            case Outcome.Gap gap -> {
                LOG.warnf(
                        "account %s: batches before fence %d, seq %d are missing; the account is claimed anew",
                        batch.accountId(), batch.fence(), batch.seq());
                yield new Next.Nothing();
            }
            case Outcome.Stale stale -> {
                LOG.debugf("account %s: batch of a superseded claim, fence %d", batch.accountId(), batch.fence());
                yield new Next.Nothing();
            }
            case Outcome.Duplicate duplicate -> {
                LOG.debugf("account %s: duplicate of fence %d, seq %d", batch.accountId(), batch.fence(), batch.seq());
                yield new Next.Nothing();
            }
            case Outcome.AccountGone gone -> {
                LOG.debugf("account %s has been deleted", batch.accountId());
                yield new Next.Nothing();
            }
        };
    }

    private void publish(ObservationBatch batch, long changes, List<ChangeRow> rows) {
        if (changes > 0) {
            publisher.publishSoon(batch.tenantId(), batch.accountId(), rows);
        }
    }

    private static boolean isTimeout(InfrastructureFailureException failure) {
        return failure.getCause() instanceof PgException pg && QUERY_CANCELED.equals(pg.getSqlState());
    }
}
