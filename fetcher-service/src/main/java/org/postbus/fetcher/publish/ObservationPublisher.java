package org.postbus.fetcher.publish;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.postbus.fetcher.store.FenceLostException;
import org.postbus.fetcher.store.Progress;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.kit.concurrent.FairPermits.Urgency;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservationBatch;

/**
 * Publishes what was observed under one claim, in order, in batches limited by number and bytes. One batch at a time is in flight, so that a
 * batch that is sent again cannot overtake another; the next one is filled meanwhile. At most {@link #AHEAD_MAX} batches are ahead of what
 * the writer has applied: beyond that {@code add} blocks, and the mail server's socket is not read. For one thread.
 *
 * <p>Every method that sends throws {@code InfrastructureFailureException} if Kafka or PostgreSQL fails. Whether the last batch counts is then
 * unknown: the claim must not be used any more, and the account is claimed anew.
 */
public final class ObservationPublisher implements AutoCloseable {
    static final int AHEAD_MAX = 8;
    /** Above Kafka's delivery.timeout.ms (30 minutes), after which the producer itself gives up. */
    private static final Duration ACK_TIME_MAX = Duration.ofMinutes(31);

    /** Until others are shown it: Kafka acknowledges a batch within milliseconds, after the crash of a broker within seconds. */
    static final Duration WAIT_SHOWN_AFTER = Duration.ofSeconds(10);

    /** So that accounts whose servers do not answer, or a writer that does not apply, do not hold up others for longer. */
    private static final Duration INITIAL_PERMIT_TIME_MAX = Duration.ofSeconds(10);

    private static final Duration POLL_MIN = Duration.ofMillis(5);
    private static final Duration POLL_MAX = Duration.ofMillis(200);

    private final TenantId tenantId;
    private final AccountId accountId;
    private final long fence;
    private final BatchSink sink;
    private final Progress.Reader progress;
    private final KafkaWaits waits;

    private final List<EncodedObservation> pending = new ArrayList<>();
    private Optional<Observation> onSecondBatch = Optional.empty();
    /** Room for each of them. */
    private final List<FairPermits<TenantId>.Permit> pendingRoom = new ArrayList<>();

    private int pendingEmails;
    private int pendingBytes;
    private long sentSeq;
    private long appliedSeq;
    private boolean initial;
    private Step betweenBatches = () -> {};
    private final ArrayDeque<Unapplied> unapplied = new ArrayDeque<>();
    private CompletableFuture<Void> inFlight = CompletableFuture.completedFuture(null);

    /** A batch of an initial sync. */
    private record Unapplied(long seq, FairPermits<TenantId>.Permit permit) {}

    @FunctionalInterface
    public interface Step {
        void run() throws InterruptedException;
    }

    public ObservationPublisher(
            TenantId tenantId,
            AccountId accountId,
            long fence,
            BatchSink sink,
            Progress.Reader progress,
            KafkaWaits waits) {
        this.tenantId = tenantId;
        this.accountId = accountId;
        this.fence = fence;
        this.sink = sink;
        this.progress = progress;
        this.waits = waits;
    }

    /**
     * What follows belongs to the initial sync of an account: few of its batches are ahead of what the writer has applied, for all accounts
     * together, so that other accounts' mail does not queue up behind them in Kafka. {@link #flush} then waits until the writer has applied
     * everything.
     *
     * @param betweenBatches runs after each batch
     */
    public void beginInitialSync(Step betweenBatches) {
        initial = true;
        this.betweenBatches = betweenBatches;
    }

    public void endInitialSync() {
        initial = false;
        releasePermits();
    }

    /** Whose account it is. */
    public TenantId tenantId() {
        return tenantId;
    }

    /** Batches sent so far. */
    public long sentSeq() {
        return sentSeq;
    }

    /** Whether something was added that has not been sent. */
    public boolean isPending() {
        return !pending.isEmpty();
    }

    /** Publishes this observation as soon as there is more than one batch to send: the first sign that a pass takes long. */
    public void addOnSecondBatch(Observation observation) {
        onSecondBatch = Optional.of(observation);
    }

    /** Cancels {@link #addOnSecondBatch}. Returns whether the observation was published before. */
    public boolean cancelOnSecondBatch() {
        boolean published = onSecondBatch.isEmpty();
        onSecondBatch = Optional.empty();
        return published;
    }

    public void add(Observation observation) throws InterruptedException {
        add(EncodedObservation.of(observation));
    }

    public void add(EncodedObservation observation) throws InterruptedException {
        boolean full = pendingEmails + observation.emails() > ObservationBatch.EMAILS_MAX
                || pendingBytes + observation.json().length + 1 > EncodedObservation.BYTES_MAX;
        if (full && !pending.isEmpty()) {
            send();
            if (onSecondBatch.isPresent()) {
                Observation deferred = onSecondBatch.get();
                onSecondBatch = Optional.empty();
                add(deferred);
            }
        }
        reserve(observation.json().length + 1);
        pending.add(observation);
        pendingEmails += observation.emails();
        pendingBytes += observation.json().length + 1;
    }

    /**
     * What waits to be sent counts as in flight: many accounts with a batch each that is not full take as much memory as those with
     * full ones. Where there is no room, what waits is sent first, so that nobody waits for room while it holds some.
     */
    private void reserve(int bytes) throws InterruptedException {
        var room = sink.bytesInFlight().tryAcquire(tenantId, bytes);
        if (room.isEmpty()) {
            if (!pending.isEmpty()) {
                send();
            }
            awaitAcknowledgement();
            if (!unapplied.isEmpty()) {
                awaitApplied(sentSeq);
            }
            room = Optional.of(sink.bytesInFlight().acquire(tenantId, Urgency.FIRST, bytes));
        }
        pendingRoom.add(room.get());
    }

    /** Sends the rest. On return the broker has stored everything. */
    public void flush() throws InterruptedException {
        if (!pending.isEmpty()) {
            send();
        }
        awaitAcknowledgement();
        if (!unapplied.isEmpty()) {
            awaitApplied(sentSeq);
        }
    }

    /**
     * Sends the rest and waits, without a time limit, until the writer has applied all of it: what is then read from the database includes
     * everything that was published.
     *
     * @throws FenceLostException if the writer will never apply it, because the account was claimed anew
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
        awaitAcknowledgement();
        awaitApplied(sentSeq + 1 - AHEAD_MAX);
        if (initial) {
            awaitInitialPermit();
        }
        List<FairPermits<TenantId>.Permit> bytes = List.copyOf(pendingRoom);
        PublisherMetrics.Sent sent = sink.metrics().batchSent(pending.size());
        sentSeq++;
        inFlight = sink.send()
                .apply(batch)
                .onTermination()
                .invoke(() -> {
                    bytes.forEach(FairPermits.Permit::close);
                    sink.metrics().batchEnded(sent);
                })
                .subscribeAsCompletionStage();
        pending.clear();
        pendingRoom.clear();
        pendingEmails = 0;
        pendingBytes = 0;
        if (initial) {
            betweenBatches.run();
        }
    }

    /** Never waits for others while it holds a permit itself: all might wait for each other. */
    private void awaitInitialPermit() throws InterruptedException {
        var permit = unapplied.isEmpty()
                ? Optional.<FairPermits<TenantId>.Permit>empty()
                : sink.initialBatches().tryAcquire(tenantId);
        if (permit.isEmpty()) {
            awaitApplied(sentSeq);
            permit = Optional.of(sink.initialBatches().acquire(tenantId));
        }
        unapplied.add(new Unapplied(sentSeq + 1, permit.get().forAtMost(INITIAL_PERMIT_TIME_MAX)));
    }

    private void awaitAcknowledgement() throws InterruptedException {
        if (isDoneWithin(WAIT_SHOWN_AFTER)) {
            Await.infrastructure("sending observations", inFlight, ACK_TIME_MAX);
            return;
        }
        waits.begun();
        Await.infrastructure("sending observations", inFlight, ACK_TIME_MAX);
        waits.ended();
    }

    private boolean isDoneWithin(Duration time) throws InterruptedException {
        try {
            inFlight.get(time.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            // Thrown by whoever waits for it.
            return true;
        }
    }

    private void awaitApplied(long seq) throws InterruptedException {
        Duration poll = POLL_MIN;
        while (appliedSeq < seq) {
            readProgress();
            if (appliedSeq < seq) {
                // Polling, because PostgreSQL's NOTIFY would serialise the writer's commits.
                Thread.sleep(poll);
                poll = poll.multipliedBy(2).compareTo(POLL_MAX) > 0 ? POLL_MAX : poll.multipliedBy(2);
            }
        }
        releaseApplied();
    }

    private void releaseApplied() {
        while (!unapplied.isEmpty() && unapplied.getFirst().seq() <= appliedSeq) {
            unapplied.removeFirst().permit().close();
        }
    }

    private void readProgress() throws InterruptedException {
        Progress now = progress.read();
        if (now.fence() != fence) {
            throw FenceLostException.overtaken(fence, now.fence());
        }
        appliedSeq = now.appliedSeq();
    }

    /** Waits for nothing. Whether a batch in flight counts is decided by the next claim. */
    @Override
    public void close() {
        inFlight.cancel(true);
        pendingRoom.forEach(FairPermits.Permit::close);
        pendingRoom.clear();
        pending.clear();
        releasePermits();
    }

    private void releasePermits() {
        unapplied.forEach(batch -> batch.permit().close());
        unapplied.clear();
    }
}
