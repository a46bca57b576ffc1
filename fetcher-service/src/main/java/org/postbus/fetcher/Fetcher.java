package org.postbus.fetcher;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.smallrye.mutiny.Uni;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.kafka.api.OutgoingKafkaRecordMetadata;
import io.vertx.sqlclient.Pool;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.random.RandomGenerator;
import org.eclipse.microprofile.config.ConfigProvider;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.fetcher.loop.AccountLoops;
import org.postbus.fetcher.loop.AccountMetrics;
import org.postbus.fetcher.loop.EventsWaiting;
import org.postbus.fetcher.publish.BatchSink;
import org.postbus.fetcher.publish.EncodedBatch;
import org.postbus.fetcher.publish.PublisherMetrics;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.fetcher.source.InfrastructureOutage;
import org.postbus.fetcher.source.ServerDeviations;
import org.postbus.fetcher.source.Sessions;
import org.postbus.fetcher.store.ClaimStore;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.kit.concurrent.PermitWaits;
import org.postbus.kit.keyset.KeysetRefresh;
import org.postbus.kit.keyset.KeysetSettings;
import org.postbus.kit.memory.MailMemory;
import org.postbus.kit.settings.Settings;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapOptions;

/** Assembles the service from what Quarkus provides, and stops it. */
@ApplicationScoped
class Fetcher {
    private static final Duration STOP_TIME_MAX = Duration.ofSeconds(4);
    /** As many as the pool has connections (application.properties). */
    private static final int TRANSACTIONS_AT_ONCE = 12;
    /** Accounts that may hold the ids of many emails at once; each takes up to 100 MB. */
    private static final int MANY_IDS_AT_ONCE = 2;
    /** Passes that use processor time; see SyncPasses. */
    private static final int PASSES_AT_ONCE = 64;

    private static final int INITIAL_PASSES_AT_ONCE = 16;
    /** Batches of initial syncs that the writer has not applied, of 512 KiB at most: its queue for other accounts' mail. */
    private static final int INITIAL_BATCHES_AHEAD = 24;

    /** Unless the heap is small. */
    private static final long BYTES_IN_FLIGHT_MAX = 64L << 20;

    private final MutinyEmitter<byte[]> observations;
    /** CPU work only, so one thread for each processor; platform threads, because mime4j keeps its buffers in thread-locals. */
    private final ExecutorService parsing = Executors.newFixedThreadPool(
            Runtime.getRuntime().availableProcessors(),
            Thread.ofPlatform().name("mime-", 0).daemon().factory());

    private final ImapClient imap;
    private final KeysetRefresh keyset;
    private final AccountLoops loops;
    private final InfrastructureOutage outage = new InfrastructureOutage();
    private final PublisherMetrics publisherMetrics;

    // The emitter's buffer needs no limit: each account has one batch in flight, and all together are limited in bytes.
    Fetcher(
            FetcherConfig config,
            EgressConnector egress,
            Pool pool,
            MeterRegistry registry,
            @Channel("observations") @OnOverflow(OnOverflow.Strategy.UNBOUNDED_BUFFER)
                    MutinyEmitter<byte[]> observations) {
        this.observations = observations;
        MailMemory.limit(Settings.of(ConfigProvider.getConfig()), registry);
        CredentialCipher cipher =
                KeysetSettings.of(Settings.of(ConfigProvider.getConfig())).open();
        this.keyset = KeysetRefresh.start(cipher, registry);
        this.publisherMetrics = new PublisherMetrics(registry);
        this.imap = new ImapClient(egress, ImapOptions.DEFAULT.withCompression(config.compression()));
        // When a fetcher starts, thousands of accounts begin at once. They wait here, tenant by tenant, instead of in
        // the pool's queue.
        TenantTransactions transactions = new TenantTransactions(
                pool,
                TenantTransactions.Limits.DEFAULT.withAtOnceMax(TRANSACTIONS_AT_ONCE),
                PermitWaits.of(registry, "transactions"));
        this.loops = new AccountLoops(
                new FetcherContext(
                        egress,
                        imap,
                        new ClaimStore(transactions, cipher),
                        transactions,
                        new BatchSink(
                                this::send,
                                new FairPermits<>(
                                        config.bytesInFlightMax().orElse(bytesInFlightMax()),
                                        PermitWaits.of(registry, "bytes-in-flight")),
                                new FairPermits<>(INITIAL_BATCHES_AHEAD, PermitWaits.of(registry, "initial-batches")),
                                publisherMetrics),
                        new FetcherContext.Bulkheads(
                                new FairPermits<>(
                                        config.largeMessagesAtOnce(), PermitWaits.of(registry, "large-messages")),
                                new FairPermits<>(MANY_IDS_AT_ONCE, PermitWaits.of(registry, "many-ids")),
                                new FairPermits<>(PASSES_AT_ONCE, PermitWaits.of(registry, "passes")),
                                new FairPermits<>(INITIAL_PASSES_AT_ONCE, PermitWaits.of(registry, "initial-passes"))),
                        parsing,
                        new HostBudget(
                                config.loginsAtOnce(),
                                config.loginsPerHostAndSecond(),
                                config.connectionsPerHost(),
                                name -> PermitWaits.of(registry, name)),
                        new ServerDeviations(registry),
                        outage,
                        Sessions.ofSetting(
                                config.sessionMax(),
                                reason -> registry.counter(
                                                "postbus.fetcher.sessions.renewed", "reason", reason.metricName())
                                        .increment()),
                        () -> registry.counter("postbus.fetcher.loops.died").increment(),
                        config.poll(),
                        config.compareEvery(),
                        Clock.systemUTC(),
                        RandomGenerator.of("L64X128MixRandom")),
                new AccountMetrics(registry));
    }

    private static int bytesInFlightMax() {
        return (int) Math.min(BYTES_IN_FLIGHT_MAX, Runtime.getRuntime().maxMemory() / 8);
    }

    @Produces
    @ApplicationScoped
    AccountLoops loops() {
        return loops;
    }

    @Produces
    @ApplicationScoped
    EventsWaiting eventsWaiting() {
        return new EventsWaiting(outage, publisherMetrics);
    }

    private Uni<Void> send(EncodedBatch batch) {
        return observations.sendMessage(Message.of(batch.json())
                .addMetadata(OutgoingKafkaRecordMetadata.<String>builder()
                        .withKey(batch.accountId().toString())
                        .build()));
    }

    void stop(@Observes ShutdownEvent event) {
        loops.close(STOP_TIME_MAX);
        parsing.shutdownNow();
        keyset.close();
        imap.close().subscribeAsCompletionStage();
    }
}
