package org.postbus.fetcher;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.smallrye.mutiny.Uni;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.kafka.api.OutgoingKafkaRecordMetadata;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.random.RandomGenerator;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;
import org.postbus.account.CredentialCipher;
import org.postbus.fetcher.jmap.JmapPass;
import org.postbus.fetcher.loop.AccountLoops;
import org.postbus.fetcher.publish.EncodedBatch;
import org.postbus.fetcher.publish.FetcherMetrics;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.fetcher.store.AccountTables;
import org.postbus.mail.imap.ImapClient;
import org.postbus.mail.imap.ImapOptions;

/** Puts the service together from what Quarkus provides, and takes it down. */
@ApplicationScoped
public class Fetcher {
    private static final Duration STOP_TIME_MAX = Duration.ofSeconds(4);

    private final MutinyEmitter<byte[]> observations;
    /** Nothing but computing, so as many threads as processors; they are platform threads, for mime4j keeps its buffers by thread. */
    private final ExecutorService parsing = Executors.newFixedThreadPool(
            Runtime.getRuntime().availableProcessors(),
            Thread.ofPlatform().name("mime-", 0).daemon().factory());

    private final ImapClient imap;
    private final AccountLoops loops;

    // The buffer needs no limit of its own: one batch per account is under way, and all together are limited in bytes.
    Fetcher(
            FetcherConfig config,
            Vertx vertx,
            Pool pool,
            MeterRegistry registry,
            @Channel("observations") @OnOverflow(OnOverflow.Strategy.UNBOUNDED_BUFFER)
                    MutinyEmitter<byte[]> observations) {
        this.observations = observations;
        this.imap = new ImapClient(vertx, ImapOptions.DEFAULT.withCompression(config.compression()));
        this.loops = new AccountLoops(new FetcherContext(
                vertx,
                imap,
                new AccountTables(pool, CredentialCipher.fromKeysetFile(config.keyset())),
                this::send,
                new Semaphore(config.bytesInFlightMax(), true),
                new Semaphore(config.largeMessagesAtOnce(), true),
                new Semaphore(JmapPass.MANY_IDS_AT_ONCE, true),
                parsing,
                new HostBudget(config.loginsAtOnce(), config.loginsPerHostAndSecond(), config.connectionsPerHost()),
                config.poll(),
                config.compareEvery(),
                new FetcherMetrics(registry),
                Clock.systemUTC(),
                RandomGenerator.of("L64X128MixRandom")));
    }

    public AccountLoops loops() {
        return loops;
    }

    private Uni<Void> send(EncodedBatch batch) {
        return observations.sendMessage(Message.of(batch.json())
                .addMetadata(OutgoingKafkaRecordMetadata.<String>builder()
                        .withKey(batch.accountId().toString())
                        .build()));
    }

    public void stop(@Observes ShutdownEvent event) {
        loops.close(STOP_TIME_MAX);
        parsing.shutdownNow();
        imap.close().subscribeAsCompletionStage();
    }
}
