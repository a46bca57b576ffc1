package org.postbus.fetcher.jmap;

import io.smallrye.mutiny.Multi;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;
import org.postbus.account.PushKind;
import org.postbus.fetcher.source.Backoff;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.LimitPolicy;
import org.postbus.fetcher.source.WakeKind;
import org.postbus.fetcher.source.WakeSignal;
import org.postbus.kit.concurrent.BoundedPull;
import org.postbus.kit.concurrent.ReadAhead;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.push.JmapEventSource;
import org.postbus.mail.jmap.push.JmapPush;
import org.postbus.mail.jmap.push.JmapWebSocket;
import org.postbus.model.AccountId;

/**
 * Watches an account through an event source, through a WebSocket where the server offers no event source, and not at all if it offers neither:
 * the account is then only polled. Notifications only wake the loop.
 */
final class JmapWatcher {
    private static final Duration PING = Duration.ofSeconds(60);
    private static final List<String> TYPES = List.of("Email", "Mailbox");
    private static final ReadAhead<JmapPush> NOTIFICATIONS_AHEAD = ReadAhead.ofBytes(16 * 1024, JmapPush::bytes);
    private static final Logger LOG = Logger.getLogger(JmapWatcher.class);

    private final AccountId account;
    private final FetcherContext context;
    private final JmapClient client;
    private final AtomicBoolean changeReported = new AtomicBoolean();
    private volatile PushKind push = PushKind.POLL;

    JmapWatcher(AccountId account, FetcherContext context, JmapClient client) {
        this.account = account;
        this.context = context;
        this.client = client;
    }

    PushKind push() {
        return push;
    }

    /** Whether the server reported a change since the last call. */
    boolean takeChangeReported() {
        return changeReported.getAndSet(false);
    }

    /** Until the thread is interrupted, or the server is known to offer no push. */
    void run(WakeSignal wakes) {
        int failures = 0;
        LimitPolicy limits = LimitPolicy.NONE;
        PushKind kind = PushKind.EVENT_SOURCE;
        try {
            while (true) {
                Instant began = context.clock().instant();
                Optional<Duration> rest = Optional.empty();
                try {
                    listen(kind, wakes);
                } catch (ServerException e) {
                    if (e.failure() instanceof ServerFailure.Rejected) {
                        // Not offered, so it is not tried again.
                        LOG.infof(
                                "account %s: no push by %s: %s",
                                account, kind.wireName(), e.failure().text());
                        if (kind == PushKind.WEBSOCKET) {
                            return;
                        }
                        kind = PushKind.WEBSOCKET;
                        continue;
                    }
                    boolean lasted = began.plus(PING).isBefore(context.clock().instant());
                    failures = lasted ? 1 : failures + 1;
                    limits = e.failure() instanceof ServerFailure.LimitExceeded ? limits.exceeded() : LimitPolicy.NONE;
                    rest = limits.rest();
                    LOG.debugf(
                            "account %s: push by %s failed: %s",
                            account, kind.wireName(), e.failure().text());
                }
                push = PushKind.POLL;
                Thread.sleep(rest.orElse(Backoff.delay(
                        failures, Optional.empty(), context.random().nextDouble())));
            }
        } catch (InterruptedException closed) {
            LOG.tracef("account %s: the watcher is stopped", account);
        } finally {
            push = PushKind.POLL;
        }
    }

    /** Until the connection fails or ends. */
    private void listen(PushKind kind, WakeSignal wakes) throws InterruptedException {
        Multi<JmapPush> stream = kind == PushKind.WEBSOCKET
                ? JmapWebSocket.open(client, TYPES, PING)
                : JmapEventSource.open(client, TYPES, PING);
        try (BoundedPull<JmapPush> notifications = BoundedPull.of(stream, NOTIFICATIONS_AHEAD)) {
            for (Optional<JmapPush> next = notifications.next(); next.isPresent(); next = notifications.next()) {
                switch (next.get()) {
                    case JmapPush.Opened opened -> push = kind;
                    case JmapPush.StateChange change -> {
                        if (!change.changed().containsKey(client.mailAccountId())) {
                            continue;
                        }
                        changeReported.set(true);
                    }
                }
                wakes.wake(WakeKind.PUSH);
            }
        }
    }
}
