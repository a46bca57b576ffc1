package org.postbus.fetcher.jmap;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.PushKind;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.ChangeSource;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.fetcher.source.Restarts;
import org.postbus.fetcher.source.ServerDeviations;
import org.postbus.fetcher.source.WakeSignal;
import org.postbus.fetcher.store.Claim;
import org.postbus.fetcher.store.StoredJmapState;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.memory.HeldBytes;

/** An account over JMAP: passes by requests, and a watcher ({@link JmapWatcher}). */
public final class JmapSource implements ChangeSource {
    private static final Duration OPEN_TIME_MAX = Duration.ofSeconds(90);
    /** What is kept of a mailbox between passes. */
    private static final long MAILBOX_BYTES = 700;

    private final Claim claim;
    private final FetcherContext context;
    private final JmapClient client;
    private final JmapSyncState state;
    private final JmapWatcher watcher;
    private final HeldBytes.Share mailboxBytes;
    private volatile Thread watcherThread;

    private JmapSource(Claim claim, FetcherContext context, JmapClient client) {
        this.claim = claim;
        this.context = context;
        this.client = client;
        this.state = JmapSyncState.of(claim);
        this.mailboxBytes = client.keeping();
        this.watcher = new JmapWatcher(claim.accountId(), context, client);
    }

    /** Fetches the session object, which needs the credential. */
    public static JmapSource open(
            Claim claim, AccountSettings.Jmap settings, Credential credential, FetcherContext context)
            throws InterruptedException {
        JmapClient client = context.hosts()
                .login(
                        HostBudget.Who.of(claim),
                        settings.sessionUrl().getHost(),
                        () -> Await.of(
                                JmapClient.open(context.egress(), settings, credential, JmapOptions.DEFAULTS),
                                OPEN_TIME_MAX,
                                ServerException::unreachable));
        return new JmapSource(claim, context, client);
    }

    @Override
    public PassOutcome pass(ObservationPublisher out, PassRequest request) throws InterruptedException {
        boolean changesExpected = watcher.takeChangeReported() || request.requested();
        JmapPassContext pass = new JmapPassContext(
                claim.accountId(),
                context,
                client,
                state,
                new StoredJmapState(context.transactions(), claim),
                out,
                changesExpected,
                request.startedAt());
        PassOutcome outcome = new JmapPass(pass, request).run();
        context.deviations().set(claim.accountId(), state.notRead.counts());
        mailboxBytes.set(MAILBOX_BYTES * state.mailboxes.size());
        return outcome;
    }

    @Override
    public void watch(WakeSignal wakes) {
        watcherThread = Thread.ofVirtual()
                .name("watch-" + claim.accountId())
                .start(new Restarts(
                        "the watcher of account " + claim.accountId(),
                        () -> watcher.run(wakes),
                        context.loopDied(),
                        context.random()));
    }

    @Override
    public PushKind push() {
        return watcher.push();
    }

    @Override
    public Optional<Instant> nextTry() {
        return state.notRead.nextTry();
    }

    @Override
    public void close() {
        context.deviations().set(claim.accountId(), ServerDeviations.Counts.NONE);
        Thread watching = watcherThread;
        if (watching != null) {
            watching.interrupt();
        }
        client.close();
    }
}
