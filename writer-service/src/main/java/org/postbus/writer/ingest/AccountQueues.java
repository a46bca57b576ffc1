package org.postbus.writer.ingest;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.writer.table.WriterDatabase;

/**
 * The records that were read and are not applied yet: a queue for each account. Records of an account are processed in order; accounts do not
 * wait for each other, and the tenants are served in turn, so one tenant's backlog delays another tenant's record by one record of each tenant
 * at most, once that record has been read. How much is read ahead is limited in bytes.
 */
public final class AccountQueues implements AutoCloseable {
    /** Records beyond these stay in Kafka. */
    static final long BYTES_MAX = 32L * 1024 * 1024;
    /** Each uses a connection of the pool. The others are for publishing. */
    private static final int AT_ONCE = WriterDatabase.CONNECTIONS_MAX - 4;
    /** The objects of a record that waits, in bytes. */
    private static final int OVERHEAD_BYTES = 500;

    private record Waiting(
            ConsumerRecord<String, byte[]> record, String tenant, long bytes, CompletableFuture<Void> done) {
        static Waiting of(ConsumerRecord<String, byte[]> record) {
            long bytes = OVERHEAD_BYTES + (record.value() == null ? 0 : record.value().length);
            return new Waiting(record, ObservationDecoder.tenantText(record.value()), bytes, new CompletableFuture<>());
        }
    }

    private final RecordProcessor processor;
    private final FairPermits<String> permits;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition room = lock.newCondition();
    private final Map<String, Deque<Waiting>> byAccount = new HashMap<>();
    private long bytes;
    private Optional<Throwable> failure = Optional.empty();

    public AccountQueues(RecordProcessor processor, BatchMetrics metrics) {
        this.processor = processor;
        this.permits = new FairPermits<>(AT_ONCE, metrics.permitWaits());
    }

    /**
     * Takes the records over. Returns at once.
     *
     * @return completes when each of the records is applied or quarantined; fails only while the process stops
     */
    public CompletableFuture<Void> add(Iterable<ConsumerRecord<String, byte[]>> records) {
        List<CompletableFuture<Void>> done = new ArrayList<>();
        for (ConsumerRecord<String, byte[]> record : records) {
            Waiting waiting = Waiting.of(record);
            done.add(waiting.done());
            String account = record.key() == null ? "" : record.key();
            lock.lock();
            try {
                bytes += waiting.bytes();
                Deque<Waiting> queue = byAccount.get(account);
                if (queue == null) {
                    queue = new ArrayDeque<>();
                    byAccount.put(account, queue);
                    threads.submit(() -> process(account));
                }
                queue.add(waiting);
            } finally {
                lock.unlock();
            }
        }
        return CompletableFuture.allOf(done.toArray(CompletableFuture[]::new));
    }

    /**
     * Blocks while more than {@link #BYTES_MAX} bytes wait.
     *
     * @throws IllegalStateException if a record could be neither applied nor quarantined: a bug
     */
    void awaitRoom() {
        lock.lock();
        try {
            while (bytes > BYTES_MAX && failure.isEmpty()) {
                room.await();
            }
            if (failure.isPresent()) {
                throw new IllegalStateException("a record was not processed", failure.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfrastructureFailureException("interrupted", e);
        } finally {
            lock.unlock();
        }
    }

    private void process(String account) {
        Waiting next = head(account);
        while (next != null) {
            try {
                processor.process(next.record(), permits, next.tenant());
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
            room.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private Waiting head(String account) {
        lock.lock();
        try {
            return byAccount.get(account).peek();
        } finally {
            lock.unlock();
        }
    }

    /** Returns what is the head then; null if the queue is empty, which ends the account's thread. */
    private Waiting removeHead(String account) {
        lock.lock();
        try {
            Deque<Waiting> queue = byAccount.get(account);
            bytes -= queue.remove().bytes();
            room.signalAll();
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
        threads.close();
    }
}
