package org.postbus.fetcher;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.postgres.Role;
import org.postbus.fetcher.loop.AccountLoops;
import org.postbus.fetcher.loop.AccountMetrics;
import org.postbus.fetcher.loop.EventsWaiting;
import org.postbus.fetcher.publish.BatchSink;
import org.postbus.fetcher.publish.PublisherMetrics;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.fetcher.source.InfrastructureOutage;
import org.postbus.fetcher.source.ServerDeviations;
import org.postbus.fetcher.source.Sessions;
import org.postbus.fetcher.store.ClaimStore;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.model.AccountId;
import org.postbus.topic.AccountRecord.Status;

/** The service without Quarkus and Kafka: real loops, clients and database, and the real writer ({@link DirectWriter}). */
public final class FetcherUnderTest implements AutoCloseable {
    private static final Sessions LONG_SESSIONS =
            new Sessions(Duration.ofHours(1), Duration.ofMinutes(1), reason -> {});

    public final Database database;
    public final DirectWriter writer;
    public final ShiftedClock clock = new ShiftedClock();
    public final CredentialCipher cipher = TestAccount.newCipher();
    private final Vertx vertx = Vertx.vertx();
    private final Pool pool;
    private final ImapClient imap;
    private final ExecutorService parsing = Executors.newVirtualThreadPerTaskExecutor();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final InfrastructureOutage outage = new InfrastructureOutage();
    private final PublisherMetrics published = new PublisherMetrics(meters);
    private AccountLoops loops;

    public FetcherUnderTest(Database database, Duration poll) {
        this(database, poll, new HostBudget(20, 50, 1000));
    }

    public FetcherUnderTest(Database database, Duration poll, HostBudget budget) {
        this(database, poll, budget, ImapOptions.DEFAULT);
    }

    public FetcherUnderTest(Database database, Duration poll, HostBudget budget, ImapOptions options) {
        this(database, poll, Duration.ofDays(1), budget, options);
    }

    public FetcherUnderTest(
            Database database, Duration poll, Duration compareEvery, HostBudget budget, ImapOptions options) {
        this(database, poll, compareEvery, budget, options, LONG_SESSIONS);
    }

    public FetcherUnderTest(
            Database database,
            Duration poll,
            Duration compareEvery,
            HostBudget budget,
            ImapOptions options,
            Sessions sessions) {
        this.database = database;
        this.writer = new DirectWriter(vertx, database);
        this.pool = PgBuilder.pool()
                .connectingTo(PgConnectOptions.fromUri(database.url())
                        .setUser(Role.FETCHER.user())
                        .setPassword(database.password(Role.FETCHER).reveal()))
                .with(new PoolOptions().setMaxSize(4))
                .using(vertx)
                .build();
        this.imap = new ImapClient(TestEgress.toThisMachine(vertx), options);
        TenantTransactions transactions = new TenantTransactions(pool);
        FetcherContext context = new FetcherContext(
                TestEgress.toThisMachine(vertx),
                imap,
                new ClaimStore(transactions, cipher),
                transactions,
                new BatchSink(writer::accept, new FairPermits<>(64 * 1024 * 1024), new FairPermits<>(24), published),
                new FetcherContext.Bulkheads(
                        new FairPermits<>(2), new FairPermits<>(2), new FairPermits<>(64), new FairPermits<>(16)),
                parsing,
                budget,
                new ServerDeviations(meters),
                outage,
                sessions,
                () -> meters.counter("postbus.fetcher.loops.died").increment(),
                poll,
                compareEvery,
                clock,
                RandomGenerator.of("L64X128MixRandom"));
        this.loops = new AccountLoops(context, new AccountMetrics(meters));
    }

    public TestAccount account(AccountSettings settings, String password) {
        return account(settings, new Credential.Password(new Secret(password)));
    }

    public TestAccount account(AccountSettings settings, Credential credential) {
        return TestAccount.store(database, cipher, settings, credential);
    }

    public void start(TestAccount account) {
        loops.start(account.record(Status.ACTIVE));
    }

    public void restart(TestAccount account, Status status) {
        loops.start(account.record(status));
    }

    public void restart(TestAccount account, Status status, long revision) {
        loops.start(account.record(status, revision));
    }

    public void requestSync(AccountId account) {
        loops.requestSync(account);
    }

    /** What events wait for, as the readiness says. */
    public Optional<String> waitsFor() {
        return new EventsWaiting(outage, published).reason();
    }

    public double loopsDied() {
        return meters.counter("postbus.fetcher.loops.died").count();
    }

    /** How often a push notification woke a loop. */
    public double wokenByPush() {
        return woken("push");
    }

    /** Lines that were no response. */
    public long strayLines() {
        return (long) meters.counter("postbus.fetcher.imap.stray.lines").count();
    }

    private double woken(String kind) {
        return meters.counter("postbus.fetcher.wakeups", "kind", kind).count();
    }

    public void stop(TestAccount account) {
        loops.stop(List.of(account.accountId()), Duration.ofSeconds(5));
    }

    public Map<String, List<String>> content(TestAccount account) {
        return DirectWriter.content(database, account.accountId(), false);
    }

    @Override
    public void close() throws Exception {
        loops.close(Duration.ofSeconds(5));
        parsing.shutdownNow();
        pool.close();
        writer.close();
        vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }
}
