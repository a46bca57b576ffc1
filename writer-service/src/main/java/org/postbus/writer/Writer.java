package org.postbus.writer;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Clock;
import org.postbus.account.Secret;
import org.postbus.writer.apply.BatchApplier;
import org.postbus.writer.apply.TimeOrderedIds;
import org.postbus.writer.ingest.BatchMetrics;
import org.postbus.writer.ingest.Quarantine;
import org.postbus.writer.ingest.RecordProcessor;
import org.postbus.writer.publish.ChangePublisher;
import org.postbus.writer.publish.RecordProducer;
import org.postbus.writer.table.Database;

/** Puts the parts of the service together. */
@Singleton
public class Writer {

    @Produces
    @Singleton
    Database database(Vertx vertx, WriterConfig config) {
        return Database.connect(
                vertx,
                config.db().url(),
                config.db().user(),
                new Secret(config.db().password()));
    }

    @Produces
    @Singleton
    RecordProducer producer(WriterConfig config) {
        return RecordProducer.to(config.kafka());
    }

    @Produces
    @Singleton
    BatchMetrics metrics(MeterRegistry registry) {
        return new BatchMetrics(registry);
    }

    @Produces
    @Singleton
    ChangePublisher publisher(Database database, RecordProducer producer, BatchMetrics metrics) {
        return new ChangePublisher(database, producer, metrics);
    }

    @Produces
    @Singleton
    RecordProcessor records(
            Database database, RecordProducer producer, ChangePublisher publisher, BatchMetrics metrics) {
        Clock clock = Clock.systemUTC();
        return new RecordProcessor(
                new BatchApplier(database, new TimeOrderedIds(clock)),
                publisher,
                new Quarantine(database, producer),
                metrics,
                clock);
    }

    void onStart(@Observes StartupEvent started, ChangePublisher publisher) {
        publisher.start();
    }

    void close(@Disposes Database database) {
        database.close();
    }

    void close(@Disposes RecordProducer producer) {
        producer.close();
    }

    void close(@Disposes ChangePublisher publisher) {
        publisher.close();
    }

    void close(@Disposes RecordProcessor records) {
        records.close();
    }
}
