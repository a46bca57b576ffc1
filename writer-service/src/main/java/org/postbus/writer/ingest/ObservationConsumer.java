package org.postbus.writer.ingest;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/** Takes the records of {@code postbus.observations}, a poll at a time, and acknowledges them when all have been dealt with. */
@ApplicationScoped
public class ObservationConsumer {
    private final RecordProcessor records;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    ObservationConsumer(RecordProcessor records) {
        this.records = records;
    }

    @Incoming("observations")
    public CompletionStage<Void> consume(ConsumerRecords<String, byte[]> polled) {
        return CompletableFuture.runAsync(() -> records.apply(polled), threads);
    }
}
