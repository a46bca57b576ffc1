package org.postbus.writer.ingest;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/** Consumes {@code postbus.observations}, one poll at a time, and acknowledges its records when each is applied or quarantined. */
@ApplicationScoped
public class ObservationConsumer {
    private final RecordProcessor records;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    ObservationConsumer(RecordProcessor records) {
        this.records = records;
    }

    @Incoming("observations")
    public CompletionStage<Void> consume(ConsumerRecords<String, byte[]> polled) {
        return CompletableFuture.runAsync(() -> records.process(polled), threads);
    }
}
