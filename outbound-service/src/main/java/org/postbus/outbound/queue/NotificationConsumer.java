package org.postbus.outbound.queue;

import jakarta.enterprise.context.ApplicationScoped;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.codec.MalformedRecordException;
import org.postbus.topic.MutationNotification;

/** Consumes {@code postbus.mutations}. A notification is processed when it has been passed on: the database's rows are the queue. */
@ApplicationScoped
public class NotificationConsumer {
    private static final Logger LOG = Logger.getLogger(NotificationConsumer.class);

    private final AccountQueues queues;
    private final OutboundMetrics metrics;

    public NotificationConsumer(AccountQueues queues, OutboundMetrics metrics) {
        this.queues = queues;
        this.metrics = metrics;
    }

    /** A malformed record is dropped: the sweeper finds the account if something is due. */
    @Incoming("mutations")
    public void consume(ConsumerRecord<String, byte[]> record) {
        try {
            queues.notify(EventCodec.decode(record.value(), MutationNotification.class));
        } catch (MalformedRecordException e) {
            metrics.malformedNotification();
            LOG.errorf("malformed notification: %s", e.getMessage());
        }
    }
}
