package org.postbus.writer.ingest;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.TopicPartition;
import org.postbus.writer.table.RecordPosition;

/** How many records lie between the first that waits and the last that was read, of all partitions: their offsets cannot be committed. Not thread-safe. */
final class Uncommitted {
    private static final class Partition {
        /** By offset, how often the record waits: it may be delivered twice. */
        private final TreeMap<Long, Integer> waiting = new TreeMap<>();

        private long last;

        private long records() {
            return waiting.isEmpty() ? 0 : last - waiting.firstKey() + 1;
        }
    }

    private final Map<TopicPartition, Partition> partitions = new HashMap<>();
    private long records;

    void add(RecordPosition position) {
        Partition partition = partitions.computeIfAbsent(of(position), unused -> new Partition());
        records -= partition.records();
        partition.waiting.merge(position.offset(), 1, Integer::sum);
        partition.last = Math.max(partition.last, position.offset());
        records += partition.records();
    }

    void remove(RecordPosition position) {
        Partition partition = partitions.get(of(position));
        records -= partition.records();
        partition.waiting.computeIfPresent(position.offset(), (offset, times) -> times == 1 ? null : times - 1);
        records += partition.records();
        if (partition.waiting.isEmpty()) {
            partitions.remove(of(position));
        }
    }

    long records() {
        return records;
    }

    private static TopicPartition of(RecordPosition position) {
        return new TopicPartition(position.topic(), position.partition());
    }
}
