package org.postbus.fetcher.publish;

import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.postbus.event.Observation;
import org.postbus.event.ObservationBatch;
import org.postbus.fetcher.store.Await;
import org.postbus.fetcher.store.FenceLostException;
import org.postbus.fetcher.store.Progress;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * Sends what was observed under one claim, in order, in batches that are cut by number and bytes. One batch at a time is
 * on its way to the broker, so a repeated send can overtake nothing; the next is filled meanwhile. At most {@link
 * #AHEAD_MAX} batches are ahead of what the writer has applied: beyond that {@code add} blocks, and with it whoever reads
 * the mail server's socket. For one thread.
 *
 * <p>After any failure the claim is used up: whether the last batch counts is not known, so the account is claimed anew.
 */
public final class ObservationPublisher implements AutoCloseable {
    static final int AHEAD_MAX = 8;
    /** Above Kafka's delivery.timeout.ms, after which the producer itself gives up. */
    private static final Duration ACK_TIME_MAX = Duration.ofSeconds(150);

    private static final Duration POLL_MIN = Duration.ofMillis(5);
    private static final Duration POLL_MAX = Duration.ofMillis(200);

    private final TenantId tenantId;
    private final AccountId accountId;
    private final long fence;
    private final Function<EncodedBatch, Uni<Void>> sink;
    private final Progress.Reader progress;
    private final Semaphore bytesInFlight;
    private final FetcherMetrics metrics;

    private final List<EncodedObservation> pending = new ArrayList<>();
    private Optional<Observation> ifMuch = Optional.empty();
    private int pendingEmails;
    private int pendingBytes;
    private long sentSeq;
    private long appliedSeq;
    private CompletableFuture<Void> onItsWay = CompletableFuture.completedFuture(null);

    /**
     * @param sink sends a batch; completes when the broker has it for good
     * @param bytesInFlight permits of one byte each, shared by all accounts of the process
     */
    public ObservationPublisher(
            TenantId tenantId,
            AccountId accountId,
            long fence,
            Function<EncodedBatch, Uni<Void>> sink,
            Progress.Reader progress,
            Semaphore bytesInFlight,
            FetcherMetrics metrics) {
        this.tenantId = tenantId;
        this.accountId = accountId;
        this.fence = fence;
        this.sink = sink;
        this.progress = progress;
        this.bytesInFlight = bytesInFlight;
        this.metrics = metrics;
    }

    public long fence() {
        return fence;
    }

    /** Batches sent so far. */
    public long sentSeq() {
        return sentSeq;
    }

    /** Whether something was added that is not sent. */
    public boolean isPending() {
        return !pending.isEmpty();
    }

    /** Goes along as soon as there is more than one batch to send: the first sign that this takes a while. */
    public void sayIfMuch(Observation observation) {
        ifMuch = Optional.of(observation);
    }

    /** Ends {@link #sayIfMuch}; tells whether it was said. */
    public boolean wasMuch() {
        boolean said = ifMuch.isEmpty();
        ifMuch = Optional.empty();
        return said;
    }

    public void add(Observation observation) throws InterruptedException {
        add(EncodedObservation.of(observation));
    }

    public void add(EncodedObservation observation) throws InterruptedException {
        boolean full = pendingEmails + observation.emails() > ObservationBatch.EMAILS_MAX
                || pendingBytes + observation.json().length + 1 > EncodedObservation.BYTES_MAX;
        if (full && !pending.isEmpty()) {
            send();
            if (ifMuch.isPresent()) {
                Observation said = ifMuch.get();
                ifMuch = Optional.empty();
                add(said);
            }
        }
        pending.add(observation);
        pendingEmails += observation.emails();
        pendingBytes += observation.json().length + 1;
    }

    /** Sends what is left; on return the broker has everything. */
    public void flush() throws InterruptedException {
        if (!pending.isEmpty()) {
            send();
        }
        awaitAck();
    }

    /**
     * Sends what is left and waits, as long as it takes, until the writer has applied all of it: what is then read from the
     * database is what we sent.
     *
     * @throws FenceLostException if the writer will never apply it, for the claim is not ours any more
     */
    public void awaitApplied() throws InterruptedException {
        flush();
        awaitApplied(sentSeq);
    }

    /** Whether the writer has applied everything that was sent. */
    public boolean isApplied() throws InterruptedException {
        if (appliedSeq < sentSeq) {
            readProgress();
        }
        return appliedSeq >= sentSeq;
    }

    private void send() throws InterruptedException {
        EncodedBatch batch = EncodedBatch.of(tenantId, accountId, fence, sentSeq + 1, pending);
        awaitAck();
        awaitApplied(sentSeq + 1 - AHEAD_MAX);
        int bytes = batch.json().length;
        bytesInFlight.acquire(bytes);
        metrics.batchSent(pending.size());
        sentSeq++;
        onItsWay = sink.apply(batch)
                .onTermination()
                .invoke(() -> {
                    bytesInFlight.release(bytes);
                    metrics.batchAcked();
                })
                .subscribeAsCompletionStage();
        pending.clear();
        pendingEmails = 0;
        pendingBytes = 0;
    }

    private void awaitAck() throws InterruptedException {
        Await.backend("sending observations", onItsWay, ACK_TIME_MAX);
    }

    private void awaitApplied(long seq) throws InterruptedException {
        Duration poll = POLL_MIN;
        while (appliedSeq < seq) {
            readProgress();
            if (appliedSeq < seq) {
                // The database does not call us: NOTIFY would serialise the writer's commits.
                Thread.sleep(poll);
                poll = poll.multipliedBy(2).compareTo(POLL_MAX) > 0 ? POLL_MAX : poll.multipliedBy(2);
            }
        }
    }

    private void readProgress() throws InterruptedException {
        Progress now = progress.read();
        if (now.fence() != fence) {
            throw new FenceLostException("fence " + fence + " was overtaken by " + now.fence());
        }
        appliedSeq = now.appliedSeq();
    }

    /** Waits for nothing: what is not acknowledged may or may not count, the next claim settles it. */
    @Override
    public void close() {
        onItsWay.cancel(true);
    }
}
