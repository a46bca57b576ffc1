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
    WriterMetrics metrics(MeterRegistry registry) {
        return new WriterMetrics(registry);
    }

    @Produces
    @Singleton
    ChangePublisher publisher(Database database, RecordProducer producer, WriterMetrics metrics) {
        return new ChangePublisher(database, producer, metrics);
    }

    @Produces
    @Singleton
    RecordsApplier records(
            Database database, RecordProducer producer, ChangePublisher publisher, WriterMetrics metrics) {
        Clock clock = Clock.systemUTC();
        return new RecordsApplier(
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

    void close(@Disposes RecordsApplier records) {
        records.close();
    }
}
