package org.postbus.fetcher.assignment;

import jakarta.enterprise.context.ApplicationScoped;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.codec.MalformedRecordException;
import org.postbus.fetcher.loop.AccountLoops;
import org.postbus.topic.SyncRequest;

/**
 * Consumes {@code postbus.sync-requests}. Every fetcher reads all of them, in a consumer group of its own and from the end on, and ignores
 * those of accounts that it does not sync. A request may be lost, for instance while the account moves to another fetcher: a loop syncs its
 * account when it starts and polls it later anyway.
 */
@ApplicationScoped
class SyncRequestsTopic {
    private static final Logger LOG = Logger.getLogger(SyncRequestsTopic.class);

    private final AccountLoops loops;

    SyncRequestsTopic(AccountLoops loops) {
        this.loops = loops;
    }

    @Incoming("sync-requests")
    void observe(ConsumerRecord<String, byte[]> record) {
        try {
            loops.requestSync(
                    EventCodec.decode(record.value(), SyncRequest.class).accountId());
        } catch (IllegalArgumentException | MalformedRecordException e) {
            LOG.errorf(
                    "partition %d, offset %d of postbus.sync-requests is skipped: %s",
                    record.partition(), record.offset(), e.getMessage());
        }
    }
}
