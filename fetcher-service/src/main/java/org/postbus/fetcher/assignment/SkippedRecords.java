package org.postbus.fetcher.assignment;

import io.micrometer.core.instrument.MeterRegistry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jboss.logging.Logger;

/** Skips records that cannot be handled: whatever one holds, and whatever it reveals in our code, those after it are handled. */
final class SkippedRecords {
    private static final Logger LOG = Logger.getLogger(SkippedRecords.class);

    private final MeterRegistry registry;

    SkippedRecords(MeterRegistry registry) {
        this.registry = registry;
    }

    void unlessBroken(ConsumerRecord<String, byte[]> record, Runnable handling) {
        try {
            handling.run();
        } catch (RuntimeException | StackOverflowError e) {
            registry.counter("postbus.fetcher.records.skipped", "topic", record.topic())
                    .increment();
            LOG.errorf(
                    "partition %d, offset %d of %s is skipped: %s",
                    record.partition(), record.offset(), record.topic(), e);
        }
    }
}
