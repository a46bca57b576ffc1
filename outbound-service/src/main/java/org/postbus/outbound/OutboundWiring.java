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
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.codec.EventCodec;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.outbound.submission.SubmissionFlusher;
import org.postbus.outbound.submission.SubmissionServers;

/** Puts the service together, starts it and stops it. */
@ApplicationScoped
public class OutboundWiring {
    private final MailServers servers;
    private final AccountFlushes flushes;
    private final DueSweeper sweeper;
    private final SubmissionServers submissionServers;
    private final AccountFlushes submissions;
    private final DueSweeper submissionSweeper;
    private final QueueStates queueStates;
    private final Retention retention;
    private final OutboundMetrics metrics;

    public OutboundWiring(
            OutboundConfig config,
            Vertx vertx,
            Pool pool,
            MeterRegistry registry,
            @Channel("accounts") MutinyEmitter<Record<String, byte[]>> accounts) {
        var database = new TenantTransactions(pool);
        metrics = new OutboundMetrics(registry);
        var imap = new ImapClient(vertx, ImapOptions.DEFAULT);
        var cipher = CredentialCipher.fromKeysetFile(config.keyset());
        servers = new MailServers(vertx, imap);
        var wakes = new WakePublisher(
                database,
                new AccountTable(),
                record -> accounts.send(Record.of(record.accountId().toString(), EventCodec.encode(record))));
        String claimant = config.instance() + "/" + UUID.randomUUID();
        var flusher = new MutationFlusher(
                vertx,
                database,
                new PendingChangesTable(claimant),
                cipher,
                servers,
                wakes,
                metrics,
                () -> ThreadLocalRandom.current().nextDouble());
        flushes = new AccountFlushes(flusher, config.flushesMax());
        sweeper = new DueSweeper(vertx, database, flushes, DueSweeper.MUTATIONS, config.sweepPause());
        submissionServers = new SubmissionServers(vertx, imap, cipher, Optional.empty());
        submissions = new AccountFlushes(
                new SubmissionFlusher(
                        vertx,
                        database,
                        claimant,
                        submissionServers,
                        wakes,
                        metrics,
                        () -> ThreadLocalRandom.current().nextDouble()),
                config.submissionsMax());
        submissionSweeper = new DueSweeper(vertx, database, submissions, DueSweeper.SUBMISSIONS, config.sweepPause());
        queueStates = new QueueStates(vertx, database, config.queueStatesPause());
        retention = new Retention(
                vertx,
                database,
                metrics,
                config.keepMutations(),
                config.keepSubmissions(),
                config.keepChanges(),
                config.retentionPause());
    }

    @Produces
    @Singleton
    AccountQueues queues() {
        return new AccountQueues(flushes, submissions);
    }

    @Produces
    @Singleton
    OutboundMetrics metrics() {
        return metrics;
    }

    void start(@Observes StartupEvent event) {
        metrics.watch(flushes::running, servers::idle, submissions::running);
        metrics.watch(queueStates);
        sweeper.start();
        submissionSweeper.start();
        queueStates.start();
        retention.start();
    }

    void stop(@Observes ShutdownEvent event) {
        sweeper.close();
        submissionSweeper.close();
        queueStates.close();
        retention.close();
        flushes.close();
        submissions.close();
        servers.close();
        submissionServers.close();
    }
}
