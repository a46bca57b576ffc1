package org.postbus.writer.ingest;

import io.smallrye.reactive.messaging.kafka.api.IncomingKafkaRecordMetadata;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.CompletionStage;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.eclipse.microprofile.reactive.messaging.Message;

/**
 * Consumes {@code postbus.observations}: passes each record on and takes the next as soon as there is room in memory. A record is acknowledged when
 * it is applied or quarantined; a later one may be before. The connector commits what has been acknowledged without gaps.
 */
@ApplicationScoped
public class ObservationConsumer {
    private final AccountQueues queues;

    ObservationConsumer(AccountQueues queues) {
        this.queues = queues;
    }

    @Incoming("observations")
    public CompletionStage<Void> consume(Message<RecordValue> message) {
        IncomingKafkaRecordMetadata<String, RecordValue> metadata = kafka(message);
        AccountQueues.Added added = queues.add(metadata.getRecord());
        // Not acknowledged if it fails, which happens only while the process stops: the next one consumes it again.
        added.done().thenRun(message::ack);
        return added.room();
    }

    @SuppressWarnings("unchecked")
    private static IncomingKafkaRecordMetadata<String, RecordValue> kafka(Message<RecordValue> message) {
        return message.getMetadata(IncomingKafkaRecordMetadata.class).orElseThrow();
    }
}
