package org.postbus.fetcher.assignment;

import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.postbus.codec.EventCodec;
import org.postbus.fetcher.loop.AccountLoops;
import org.postbus.topic.SyncRequest;

/**
 * Consumes {@code postbus.sync-requests}. Every fetcher reads all of them, in a consumer group of its own and from the end on, and ignores
 * those of accounts that it does not sync. A request may be lost, for instance while the account moves to another fetcher: a loop syncs its
 * account when it starts and polls it later anyway.
 */
@ApplicationScoped
class SyncRequestsTopic {
    private final AccountLoops loops;
    private final SkippedRecords skips;

    SyncRequestsTopic(AccountLoops loops, MeterRegistry registry) {
        this.loops = loops;
        this.skips = new SkippedRecords(registry);
    }

    @Incoming("sync-requests")
    void observe(ConsumerRecord<String, byte[]> record) {
        skips.unlessBroken(
                record,
                () -> loops.requestSync(
                        EventCodec.decode(record.value(), SyncRequest.class).accountId()));
    }
}
