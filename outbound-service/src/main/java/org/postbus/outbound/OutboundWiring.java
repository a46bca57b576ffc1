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
import org.eclipse.microprofile.config.ConfigProvider;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.postbus.codec.EventCodec;
import org.postbus.kit.concurrent.PermitWaits;
import org.postbus.kit.keyset.KeysetRefresh;
import org.postbus.kit.keyset.KeysetSettings;
import org.postbus.kit.memory.MailMemory;
import org.postbus.kit.settings.Settings;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.outbound.flush.FlushContext;
import org.postbus.outbound.flush.MailServers;
import org.postbus.outbound.flush.MutationFlusher;
import org.postbus.outbound.flush.SubmissionFlusher;
import org.postbus.outbound.flush.SubmissionServers;
import org.postbus.outbound.flush.SyncRequestPublisher;
import org.postbus.outbound.queue.AccountFlushes;
import org.postbus.outbound.queue.AccountQueues;
import org.postbus.outbound.queue.DueSweeper;
import org.postbus.outbound.queue.OutboundMetrics;
import org.postbus.outbound.queue.QueueStates;
import org.postbus.outbound.queue.Retention;

/** Builds the service's objects, starts them and stops them. */
@ApplicationScoped
public class OutboundWiring {
    /** The pool has two connections more (application.properties). */
    private static final int TRANSACTIONS_AT_ONCE = 14;

    private final MailServers servers;
    private final AccountFlushes mutations;
    private final DueSweeper mutationSweeper;
    private final SubmissionServers submissionServers;
    private final AccountFlushes submissions;
    private final DueSweeper submissionSweeper;
    private final SyncRequestPublisher syncRequests;
    private final QueueStates queueStates;
    private final Retention retention;
    private final OutboundMetrics metrics;
    private final KeysetRefresh keyset;

    public OutboundWiring(
            OutboundConfig config,
            Vertx vertx,
            EgressConnector egress,
            Pool pool,
            MeterRegistry registry,
            @Channel("sync-requests") MutinyEmitter<Record<String, byte[]>> syncRequestTopic) {
        MailMemory.limit(Settings.of(ConfigProvider.getConfig()), registry);
        // The others of the pool are for what belongs to no tenant: sweeps and counts.
        var database = new TenantTransactions(
                pool,
                TenantTransactions.Limits.DEFAULT.withAtOnceMax(TRANSACTIONS_AT_ONCE),
                PermitWaits.of(registry, "transactions"));
        metrics = new OutboundMetrics(registry);
        syncRequests = new SyncRequestPublisher(request ->
                syncRequestTopic.send(Record.of(request.accountId().toString(), EventCodec.encode(request))));
        var context = new FlushContext(
                vertx,
                database,
                config.instance() + "/" + UUID.randomUUID(),
                syncRequests,
                metrics,
                () -> ThreadLocalRandom.current().nextDouble());
        var imap = new ImapClient(egress, ImapOptions.DEFAULT);
        var cipher = KeysetSettings.of(Settings.of(ConfigProvider.getConfig())).open();
        keyset = KeysetRefresh.start(cipher, registry);

        servers = new MailServers(egress, imap, cipher);
        mutations = new AccountFlushes(
                new MutationFlusher(context, servers, config.mutationAgeMax()),
                config.flushesMax(),
                PermitWaits.of(registry, "flushes"));
        mutationSweeper = new DueSweeper(database, mutations, DueSweeper.MUTATIONS, config.sweepPause());

        submissionServers = new SubmissionServers(egress, imap, cipher, Optional.empty());
        submissions = new AccountFlushes(
                new SubmissionFlusher(context, submissionServers, config.submissionAgeMax()),
                config.submissionsMax(),
                PermitWaits.of(registry, "submissions"));
        submissionSweeper = new DueSweeper(database, submissions, DueSweeper.SUBMISSIONS, config.sweepPause());

        queueStates = new QueueStates(database, config.queueStatesPause());
        retention = new Retention(
                database,
                metrics,
                new Retention.Kept(
                        config.keepMutations(),
                        config.keepSubmissions(),
                        config.keepChanges(),
                        config.keepAudit(),
                        config.keepQuarantine()),
                config.retentionPause());
    }

    @Produces
    @Singleton
    AccountQueues queues() {
        return new AccountQueues(mutations, submissions);
    }

    @Produces
    @Singleton
    OutboundMetrics metrics() {
        return metrics;
    }

    void start(@Observes StartupEvent event) {
        metrics.watch(mutations::running, servers::idle, submissions::running);
        metrics.watch(queueStates);
        mutationSweeper.start();
        submissionSweeper.start();
        queueStates.start();
        retention.start();
    }

    void stop(@Observes ShutdownEvent event) {
        mutationSweeper.close();
        submissionSweeper.close();
        queueStates.close();
        retention.close();
        mutations.close();
        submissions.close();
        syncRequests.close();
        servers.close();
        submissionServers.close();
        keyset.close();
    }
}
