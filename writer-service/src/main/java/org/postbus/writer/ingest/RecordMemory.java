package org.postbus.writer.ingest;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.writer.table.RecordPosition;

/**
 * The octets of the records that wait, in total, for each tenant and for each account limited in bytes. A record for which there is no room is left in
 * Kafka: only its position is kept, and it is read again when it is its turn. So an account whose records cannot be applied now delays no
 * other account, however many records of it follow. Thread-safe.
 */
public final class RecordMemory {

    /**
     * @param bytesMax octets held of all records
     * @param tenantBytesMax of one tenant's records
     * @param accountBytesMax of one account's records. A fetcher has at most 8 batches of 512 KiB ahead of what was applied
     * @param recordsMax records that wait, also those that were left in Kafka. With more, nothing is read
     * @param uncommittedMax records since the first that waits, of all partitions. The connector notes about 100 bytes for each that is applied
     *     and can not be committed because an earlier one of its partition waits. With more, nothing is read
     * @param waitMax how long reading waits for room before it goes on without
     */
    public record Limits(
            long bytesMax,
            long tenantBytesMax,
            long accountBytesMax,
            int recordsMax,
            long uncommittedMax,
            Duration waitMax) {
        public static final Limits DEFAULT =
                new Limits(32L << 20, 16L << 20, 5L << 20, 20_000, 500_000, Duration.ofMillis(500));
    }

    /** What an account or a tenant has. */
    private static final class Share {
        private final Set<WaitingRecord> records = new HashSet<>();
        private long bytes;
        /** Records that were left in Kafka. */
        private int left;
    }

    private final Limits limits;
    private final LeftRecords kafka;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition room = lock.newCondition();
    private final Map<String, Share> accounts = new HashMap<>();
    private final Map<String, Share> tenants = new HashMap<>();
    private final Uncommitted uncommitted = new Uncommitted();
    private final Map<RecordPosition, WaitingRecord> left = new HashMap<>();
    /** Records that are being applied. Their octets are not released. */
    private final Set<WaitingRecord> taken = new HashSet<>();

    private long bytes;
    private int records;
    private boolean closed;

    public RecordMemory(Limits limits, LeftRecords kafka) {
        this.limits = limits;
        this.kafka = kafka;
    }

    /** Its octets count until {@link #remove}, or until they are left in Kafka. */
    void add(WaitingRecord record) {
        lock.lock();
        try {
            records++;
            uncommitted.add(record.position());
            accounts.computeIfAbsent(record.account(), account -> new Share())
                    .records
                    .add(record);
            tenants.computeIfAbsent(record.tenant(), tenant -> new Share())
                    .records
                    .add(record);
            hold(record, 1);
        } finally {
            lock.unlock();
        }
    }

    /** Whether the next record may be read, without {@link #awaitRoom}. */
    boolean hasRoom(WaitingRecord added) {
        lock.lock();
        try {
            return mayRead() && (fits(added) || !isWaiting(added));
        } finally {
            lock.unlock();
        }
    }

    /**
     * Blocks until the record's account, its tenant and all together are within their limits, for a short time at most: then the record is left in
     * Kafka. An account or tenant some of whose records are there already is not waited for again. Blocks while too many records wait.
     */
    void awaitRoom(WaitingRecord added) {
        lock.lock();
        try {
            long nanos = limits.waitMax().toNanos();
            while (nanos > 0 && !closed && isWaiting(added) && !fits(added) && leavesNone(added)) {
                nanos = room.awaitNanos(nanos);
            }
            if (isWaiting(added) && !fits(added)) {
                leave(added);
            }
            while (!mayRead() && !closed) {
                room.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfrastructureFailureException("interrupted", e);
        } finally {
            lock.unlock();
        }
    }

    /** False: the record was left in Kafka, {@link #takeAgain} reads it. */
    boolean holds(WaitingRecord record) {
        lock.lock();
        try {
            return isHeld(record);
        } finally {
            lock.unlock();
        }
    }

    /**
     * The octets of a record that is to be applied now. They stay in memory until {@link #remove} or {@link #leaveAll}.
     *
     * @return empty if the record has none, or was left in Kafka
     */
    Optional<byte[]> take(WaitingRecord record) {
        lock.lock();
        try {
            Optional<byte[]> held = record.value().flatMap(RecordValue::octets);
            if (held.isPresent()) {
                taken.add(record);
            }
            return held;
        } finally {
            lock.unlock();
        }
    }

    /**
     * As {@link #take}, for a record that was left in Kafka. Blocks while it is read, and reads some that follow it for which there is room.
     *
     * @return empty if Kafka has deleted it in the meantime
     * @throws InfrastructureFailureException if it cannot be read now
     */
    Optional<byte[]> takeAgain(WaitingRecord record) {
        List<ConsumerRecord<String, byte[]>> again = kafka.readFrom(record.position());
        lock.lock();
        try {
            taken.add(record);
            for (ConsumerRecord<String, byte[]> read : again) {
                RecordPosition position = new RecordPosition(read.topic(), read.partition(), read.offset());
                // A record that was delivered twice waits twice.
                WaitingRecord of = position.equals(record.position()) ? record : left.get(position);
                if (of != null && read.value() != null && of.key().equals(Optional.ofNullable(read.key()))) {
                    restore(of, read.value());
                }
            }
            return record.value().flatMap(RecordValue::octets);
        } finally {
            lock.unlock();
        }
    }

    /** The account cannot be applied now: all its records are left in Kafka until it is tried again. */
    void leaveAll(String account) {
        lock.lock();
        try {
            Share share = accounts.get(account);
            if (share != null) {
                taken.removeAll(share.records);
                share.records.forEach(this::leave);
                room.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** The record has been applied or given up. */
    void remove(WaitingRecord record) {
        lock.lock();
        try {
            records--;
            uncommitted.remove(record.position());
            taken.remove(record);
            if (isHeld(record)) {
                hold(record, -1);
            } else {
                left.remove(record.position(), record);
                countLeft(record, -1);
            }
            forget(accounts, record.account(), record);
            forget(tenants, record.tenant(), record);
            room.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Nobody waits from now on. */
    void close() {
        lock.lock();
        try {
            closed = true;
            room.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Octets that are held now. */
    long bytesHeld() {
        lock.lock();
        try {
            return bytes;
        } finally {
            lock.unlock();
        }
    }

    /** Records that were left in Kafka and have not been read again. */
    int recordsLeft() {
        lock.lock();
        try {
            return left.size();
        } finally {
            lock.unlock();
        }
    }

    /** With the lock held, as all that follow. */
    private void restore(WaitingRecord record, byte[] octets) {
        if (isHeld(record)) {
            return;
        }
        left.remove(record.position(), record);
        countLeft(record, -1);
        record.value().orElseThrow().restore(octets);
        hold(record, 1);
        if (!fits(record)) {
            leave(record);
        }
    }

    private void leave(WaitingRecord record) {
        if (isHeld(record) && record.value().isPresent() && !taken.contains(record)) {
            record.value().get().release();
            hold(record, -1);
            left.put(record.position(), record);
            countLeft(record, 1);
        }
    }

    private boolean mayRead() {
        return records <= limits.recordsMax() && uncommitted.records() <= limits.uncommittedMax();
    }

    private boolean fits(WaitingRecord record) {
        return bytes <= limits.bytesMax()
                && bytesOf(accounts.get(record.account())) <= limits.accountBytesMax()
                && bytesOf(tenants.get(record.tenant())) <= limits.tenantBytesMax();
    }

    private boolean isWaiting(WaitingRecord record) {
        Share share = accounts.get(record.account());
        return share != null && share.records.contains(record) && !taken.contains(record);
    }

    private boolean leavesNone(WaitingRecord record) {
        return accounts.get(record.account()).left == 0 && tenants.get(record.tenant()).left == 0;
    }

    private static boolean isHeld(WaitingRecord record) {
        return record.value().map(value -> value.octets().isPresent()).orElse(true);
    }

    private static long bytesOf(Share share) {
        return share == null ? 0 : share.bytes;
    }

    private void hold(WaitingRecord record, int sign) {
        bytes += sign * record.bytes();
        accounts.get(record.account()).bytes += sign * record.bytes();
        tenants.get(record.tenant()).bytes += sign * record.bytes();
    }

    private void countLeft(WaitingRecord record, int change) {
        accounts.get(record.account()).left += change;
        tenants.get(record.tenant()).left += change;
    }

    private static void forget(Map<String, Share> shares, String name, WaitingRecord record) {
        Share share = shares.get(name);
        share.records.remove(record);
        if (share.records.isEmpty()) {
            shares.remove(name);
        }
    }
}
