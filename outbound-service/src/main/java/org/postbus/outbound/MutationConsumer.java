package org.postbus.outbound;

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.codec.MalformedRecordException;
import org.postbus.topic.MutationNotification;

/** Hears the bells on {@code postbus.mutations}. A bell is done with when it has been heard: the row is the queue. */
@ApplicationScoped
public class MutationConsumer {
    private static final Logger LOG = Logger.getLogger(MutationConsumer.class);

    private final AccountQueues queues;
    private final OutboundMetrics metrics;

    public MutationConsumer(AccountQueues queues, OutboundMetrics metrics) {
        this.queues = queues;
        this.metrics = metrics;
    }

    /** A record that is no bell is dropped: the sweeper rings for the row, whatever the record was. */
    @Incoming("mutations")
    public void hear(byte[] value) {
        try {
            queues.ring(EventCodec.decode(value, MutationNotification.class));
        } catch (MalformedRecordException e) {
            metrics.malformedBell();
            LOG.errorf("not a bell: %s", e.getMessage());
        }
    }
}
