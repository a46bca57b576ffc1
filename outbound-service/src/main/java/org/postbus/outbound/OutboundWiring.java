package org.postbus.outbound;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.kafka.Record;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.postbus.account.CredentialCipher;
import org.postbus.event.EventCodec;
import org.postbus.mail.imap.ImapClient;
import org.postbus.mail.imap.ImapOptions;

/** Puts the service together, starts it and stops it. */
@ApplicationScoped
public class OutboundWiring {
    private final MailServers servers;
    private final AccountFlushes flushes;
    private final DueSweeper sweeper;
    private final OutboundMetrics metrics;

    public OutboundWiring(
            OutboundConfig config,
            Vertx vertx,
            Pool pool,
            MeterRegistry registry,
            @Channel("accounts") MutinyEmitter<Record<String, byte[]>> accounts) {
        var database = new TenantTransactions(pool);
        metrics = new OutboundMetrics(registry);
        servers = new MailServers(vertx, new ImapClient(vertx, ImapOptions.DEFAULT));
        var wakes = new WakePublisher(
                database,
                new AccountTable(),
                record -> accounts.send(Record.of(record.accountId().toString(), EventCodec.encode(record))));
        var flusher = new MutationFlusher(
                vertx,
                database,
                new PendingChangesTable(config.instance() + "/" + UUID.randomUUID()),
                CredentialCipher.fromKeysetFile(config.keyset()),
                servers,
                wakes,
                metrics,
                () -> ThreadLocalRandom.current().nextDouble());
        flushes = new AccountFlushes(flusher, config.flushesMax());
        sweeper = new DueSweeper(vertx, database, flushes, config.sweepPause());
    }

    @Produces
    @Singleton
    AccountFlushes flushes() {
        return flushes;
    }

    @Produces
    @Singleton
    OutboundMetrics metrics() {
        return metrics;
    }

    void start(@Observes StartupEvent event) {
        metrics.watch(flushes::running, servers::idle);
        sweeper.start();
    }

    void stop(@Observes ShutdownEvent event) {
        sweeper.close();
        flushes.close();
        servers.close();
    }
}
