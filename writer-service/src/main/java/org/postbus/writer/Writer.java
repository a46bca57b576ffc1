package org.postbus.writer;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Clock;
import org.eclipse.microprofile.config.Config;
import org.postbus.kit.kafka.KafkaSettings;
import org.postbus.kit.settings.Settings;
import org.postbus.kit.sql.PostgresSettings;
import org.postbus.writer.apply.BatchApplier;
import org.postbus.writer.apply.TimeOrderedIds;
import org.postbus.writer.ingest.AccountQueues;
import org.postbus.writer.ingest.BatchMetrics;
import org.postbus.writer.ingest.LeftRecords;
import org.postbus.writer.ingest.Quarantine;
import org.postbus.writer.ingest.RecordMemory;
import org.postbus.writer.ingest.RecordProcessor;
import org.postbus.writer.publish.ChangePublisher;
import org.postbus.writer.publish.PublicationMetrics;
import org.postbus.writer.publish.RecordProducer;
import org.postbus.writer.table.WriterDatabase;

/** Creates and closes the parts of the service. */
@Singleton
public class Writer {

    @Produces
    @Singleton
    WriterDatabase database(Vertx vertx, Config config) {
        return WriterDatabase.connect(vertx, PostgresSettings.of(Settings.of(config)));
    }

    @Produces
    @Singleton
    RecordProducer producer(KafkaSettings kafka) {
        return RecordProducer.to(kafka);
    }

    @Produces
    @Singleton
    ChangePublisher publisher(WriterDatabase database, RecordProducer producer, MeterRegistry registry) {
        return new ChangePublisher(database.transactions(), producer, new PublicationMetrics(registry));
    }

    @Produces
    @Singleton
    LeftRecords leftRecords(KafkaSettings kafka) {
        return LeftRecords.of(kafka);
    }

    @Produces
    @Singleton
    AccountQueues queues(
            WriterDatabase database,
            RecordProducer producer,
            ChangePublisher publisher,
            LeftRecords leftRecords,
            MeterRegistry registry) {
        Clock clock = Clock.systemUTC();
        BatchMetrics metrics = new BatchMetrics(registry);
        RecordProcessor processor = new RecordProcessor(
                new BatchApplier(database.transactions(), new TimeOrderedIds(clock)),
                publisher,
                new Quarantine(database.transactions(), producer),
                metrics,
                clock);
        return new AccountQueues(processor, new RecordMemory(RecordMemory.Limits.DEFAULT, leftRecords), metrics);
    }

    void onStart(@Observes StartupEvent started, ChangePublisher publisher) {
        publisher.start();
    }

    void close(@Disposes WriterDatabase database) {
        database.close();
    }

    void close(@Disposes RecordProducer producer) {
        producer.close();
    }

    void close(@Disposes ChangePublisher publisher) {
        publisher.close();
    }

    void close(@Disposes LeftRecords leftRecords) {
        leftRecords.close();
    }

    void close(@Disposes AccountQueues queues) {
        queues.close();
    }
}
