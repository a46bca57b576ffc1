package org.postbus.writer.ingest;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.eclipse.microprofile.reactive.messaging.Message;

/**
 * Consumes {@code postbus.observations}: passes each poll on and takes the next as soon as there is room in memory. A poll is acknowledged when
 * each of its records is applied or quarantined; a later one may be before. The connector commits what has been acknowledged without gaps.
 */
@ApplicationScoped
public class ObservationConsumer {
    private final AccountQueues queues;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    ObservationConsumer(AccountQueues queues) {
        this.queues = queues;
    }

    @Incoming("observations")
    public CompletionStage<Void> consume(Message<ConsumerRecords<String, byte[]>> polled) {
        // Not acknowledged if it fails, which happens only while the process stops: the next one consumes it again.
        queues.add(polled.getPayload()).thenRun(polled::ack);
        return CompletableFuture.runAsync(queues::awaitRoom, threads);
    }
}
