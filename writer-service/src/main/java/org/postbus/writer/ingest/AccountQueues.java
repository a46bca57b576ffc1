package org.postbus.writer.ingest;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.writer.table.WriterDatabase;

/**
 * The records that were read and are not applied yet: a queue for each account. Records of an account are processed in order; accounts do not
 * wait for each other, and the tenants are served in turn, so one tenant's backlog delays another tenant's record by one transaction of each tenant
 * at most, once that record has been read. How much of it is in memory is limited by {@link RecordMemory}.
 */
public final class AccountQueues implements AutoCloseable {
    /** Each uses a connection of the pool. The others are for publishing. */
    private static final int AT_ONCE = WriterDatabase.CONNECTIONS_MAX - 4;

    private final RecordProcessor processor;
    private final RecordMemory memory;
    private final FairPermits<String> permits;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Deque<WaitingRecord>> byAccount = new HashMap<>();
    private Optional<Throwable> failure = Optional.empty();

    public AccountQueues(RecordProcessor processor, RecordMemory memory, BatchMetrics metrics) {
        this.processor = processor;
        this.memory = memory;
        this.permits = new FairPermits<>(AT_ONCE, metrics.permitWaits());
        metrics.queues(memory);
    }

    /**
     * What became of a record that was taken over.
     *
     * @param done completes when the record is applied or quarantined; fails only while the process stops
     * @param room completes when the next record may be read. Fails with IllegalStateException if a record could be neither applied nor
     *     quarantined: a bug
     */
    public record Added(CompletionStage<Void> done, CompletionStage<Void> room) {}

    /** Takes the record over. Returns at once. */
    public Added add(ConsumerRecord<String, RecordValue> record) {
        WaitingRecord waiting = new WaitingRecord(record);
        memory.add(waiting);
        lock.lock();
        try {
            Deque<WaitingRecord> queue = byAccount.get(waiting.account());
            if (queue == null) {
                queue = new ArrayDeque<>();
                byAccount.put(waiting.account(), queue);
                threads.submit(() -> process(waiting.account()));
            }
            queue.add(waiting);
            if (failure.isPresent()) {
                return new Added(waiting.done(), CompletableFuture.failedStage(failed(failure.get())));
            }
        } finally {
            lock.unlock();
        }
        return new Added(
                waiting.done(),
                memory.hasRoom(waiting)
                        ? CompletableFuture.completedStage(null)
                        : CompletableFuture.runAsync(() -> memory.awaitRoom(waiting), threads));
    }

    private static IllegalStateException failed(Throwable bug) {
        return new IllegalStateException("a record was not processed", bug);
    }

    private void process(String account) {
        WaitingRecord next = head(account);
        while (next != null) {
            try {
                processor.process(next, memory, permits);
                next.done().complete(null);
            } catch (InfrastructureFailureException stopped) {
                next.done().completeExceptionally(stopped);
            } catch (RuntimeException | Error bug) {
                next.done().completeExceptionally(bug);
                fail(bug);
            }
            next = removeHead(account);
        }
    }

    /** Ends the channel: a record that is neither applied nor quarantined must not be passed over. */
    private void fail(Throwable bug) {
        lock.lock();
        try {
            failure = Optional.of(bug);
        } finally {
            lock.unlock();
        }
    }

    private WaitingRecord head(String account) {
        lock.lock();
        try {
            return byAccount.get(account).peek();
        } finally {
            lock.unlock();
        }
    }

    /** Returns what is the head then; null if the queue is empty, which ends the account's thread. */
    private WaitingRecord removeHead(String account) {
        lock.lock();
        try {
            Deque<WaitingRecord> queue = byAccount.get(account);
            memory.remove(queue.remove());
            if (queue.isEmpty()) {
                byAccount.remove(account);
            }
            return queue.peek();
        } finally {
            lock.unlock();
        }
    }

    /** Records that wait for a retry are given up; they are not acknowledged. */
    @Override
    public void close() {
        processor.close();
        memory.close();
        threads.close();
    }
}
