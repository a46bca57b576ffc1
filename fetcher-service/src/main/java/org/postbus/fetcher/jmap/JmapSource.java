package org.postbus.fetcher.jmap;

import io.smallrye.mutiny.Multi;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.event.PushKind;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.Backoff;
import org.postbus.fetcher.source.ChangeSource;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.Inflow;
import org.postbus.fetcher.source.WakeKind;
import org.postbus.fetcher.source.WakeSignal;
import org.postbus.kit.concurrent.Await;
import org.postbus.fetcher.store.Claim;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.jmap.push.JmapEventSource;
import org.postbus.mail.jmap.push.JmapPush;
import org.postbus.mail.jmap.push.JmapWebSocket;

/**
 * An account over JMAP, watched through an event source, where the server offers none through a WebSocket, and if there is
 * neither by its polling. What they say only wakes the loop.
 */
public final class JmapSource implements ChangeSource {
    private static final Duration OPEN_TIME_MAX = Duration.ofSeconds(90);
    private static final Duration PING = Duration.ofSeconds(60);
    private static final List<String> TYPES = List.of("Email", "Mailbox");
    private static final Logger LOG = Logger.getLogger(JmapSource.class);

    private final Claim claim;
    private final FetcherContext around;
    private final JmapClient client;
    private final JmapSyncState view;
    private final AtomicBoolean toldOfChange = new AtomicBoolean();
    private volatile PushKind push = PushKind.POLL;
    private volatile Thread watcher;

    private JmapSource(Claim claim, FetcherContext around, JmapClient client) {
        this.claim = claim;
        this.around = around;
        this.client = client;
        this.view = JmapSyncState.of(claim);
    }

    public static JmapSource open(Claim claim, AccountSettings.Jmap settings, Credential credential, FetcherContext around)
            throws InterruptedException {
        JmapClient client = around.hosts()
                .login(
                        settings.sessionUrl().getHost(),
                        () -> Await.of(
                                JmapClient.open(around.vertx(), settings, credential, JmapOptions.DEFAULTS),
                                OPEN_TIME_MAX, ServerException::unreachable));
        return new JmapSource(claim, around, client);
    }

    @Override
    public PassOutcome pass(ObservationPublisher out, boolean full, boolean everything, Instant now)
            throws InterruptedException {
        boolean newsExpected = toldOfChange.getAndSet(false) || everything;
        return new JmapPass(claim, around, client, view, out, full, newsExpected, now).run();
    }

    @Override
    public void watch(WakeSignal wakes) {
        watcher = Thread.ofVirtual().name("events-" + claim.accountId()).start(() -> watchUntilInterrupted(wakes));
    }

    private void watchUntilInterrupted(WakeSignal wakes) {
        int failures = 0;
        PushKind kind = PushKind.EVENT_SOURCE;
        try {
            while (true) {
                Instant began = around.clock().instant();
                try {
                    listen(kind, wakes);
                } catch (ServerException e) {
                    if (e.failure() instanceof ServerFailure.Rejected) {
                        // It is not here and will not be. What comes after the last way is polling.
                        LOG.infof(
                                "account %s: no push by %s: %s",
                                claim.accountId(), kind.wireName(), e.failure().text());
                        if (kind == PushKind.WEBSOCKET) {
                            return;
                        }
                        kind = PushKind.WEBSOCKET;
                        continue;
                    }
                    boolean lived = began.plus(PING).isBefore(around.clock().instant());
                    failures = lived ? 1 : failures + 1;
                    LOG.debugf(
                            "account %s: push by %s broke: %s",
                            claim.accountId(), kind.wireName(), e.failure().text());
                }
                push = PushKind.POLL;
                Thread.sleep(Backoff.delay(
                        failures, Optional.empty(), around.random().nextDouble()));
            }
        } catch (InterruptedException closed) {
            push = PushKind.POLL;
        }
    }

    /** Until it breaks. */
    private void listen(PushKind kind, WakeSignal wakes) throws InterruptedException {
        Multi<JmapPush> stream = kind == PushKind.WEBSOCKET
                ? JmapWebSocket.open(client, TYPES, PING)
                : JmapEventSource.open(client, TYPES, PING);
        try (Inflow<JmapPush> events = Inflow.of(stream, 64)) {
            for (Optional<JmapPush> event = events.next(); event.isPresent(); event = events.next()) {
                switch (event.get()) {
                    case JmapPush.Opened opened -> push = kind;
                    case JmapPush.StateChange change -> {
                        if (!change.changed().containsKey(client.mailAccountId())) {
                            continue;
                        }
                        toldOfChange.set(true);
                    }
                }
                wakes.wake(WakeKind.PUSH);
            }
        }
    }

    @Override
    public PushKind push() {
        return push;
    }

    @Override
    public void close() {
        Thread watching = watcher;
        if (watching != null) {
            watching.interrupt();
        }
        client.close();
    }
}
