package org.postbus.fetcher.imap;

import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.postbus.event.PushKind;
import org.postbus.fetcher.source.Backoff;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.fetcher.source.OwnThread;
import org.postbus.fetcher.source.WakeKind;
import org.postbus.fetcher.source.WakeSignal;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.connection.WatchOutcome;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.session.AccountChange;
import org.postbus.model.AccountId;

/**
 * Watches an account over a connection of its own and wakes its loop: all mailboxes where the server has NOTIFY, else one (the inbox, on
 * Gmail All Mail) with IDLE. What is said only tells that, and where, to look: the pass finds out what happened. When it breaks it begins anew, for as
 * long as its thread is not interrupted; where there is no room for a watcher the account is polled meanwhile.
 */
final class ImapWatcher implements Runnable {
    // Networks forget a quiet connection after some minutes, RFC 2177 says 29; drawn evenly, so that the connections of
    // many accounts do not stir at the same moment.
    private static final Duration QUIET_MIN = Duration.ofMinutes(4);
    private static final Duration QUIET_MAX = Duration.ofMinutes(9);
    private static final Duration ANSWER_MAX = Duration.ofMinutes(1);
    private static final Duration NO_PLACE_PAUSE = Duration.ofMinutes(2);
    private static final Logger LOG = Logger.getLogger(ImapWatcher.class);

    /** Connects and logs in. */
    @FunctionalInterface
    interface Connector {
        ImapConnection connect() throws InterruptedException;
    }

    private final AccountId account;
    private final String host;
    private final FetcherContext around;
    private final Connector connector;
    private final Supplier<MailboxName> idleOn;
    private final WakeSignal wakes;
    private final AtomicReference<Set<String>> stirred = new AtomicReference<>(Set.of());
    private volatile PushKind push = PushKind.POLL;

    /** @param idleOn the mailbox that tells most: asked for each time that IDLE begins */
    ImapWatcher(
            AccountId account,
            String host,
            FetcherContext around,
            Connector connector,
            Supplier<MailboxName> idleOn,
            WakeSignal wakes) {
        this.idleOn = idleOn;
        this.account = account;
        this.host = host;
        this.around = around;
        this.connector = connector;
        this.wakes = wakes;
    }

    PushKind push() {
        return push;
    }

    /** The raw names of mailboxes in which something was reported since the last call. */
    Set<String> takeStirred() {
        return stirred.getAndSet(Set.of());
    }

    @Override
    public void run() {
        int failures = 0;
        try {
            while (true) {
                Optional<HostBudget.Place> place = around.hosts().placeToWatch(host);
                if (place.isEmpty()) {
                    Thread.sleep(NO_PLACE_PAUSE.plus(
                            Backoff.delay(1, Optional.empty(), around.random().nextDouble())));
                    continue;
                }
                Instant began = around.clock().instant();
                try (HostBudget.Place held = place.get()) {
                    watch();
                    return;
                } catch (ServerException e) {
                    boolean lived =
                            began.plus(QUIET_MIN).isBefore(around.clock().instant());
                    failures = lived ? 1 : failures + 1;
                    LOG.debugf(
                            "account %s: watching broke: %s",
                            account, e.failure().text());
                }
                push = PushKind.POLL;
                Thread.sleep(Backoff.delay(
                        failures, Optional.empty(), around.random().nextDouble()));
            }
        } catch (InterruptedException closed) {
            push = PushKind.POLL;
        }
    }

    /** Until the connection breaks; returns only where there is nothing to watch by. */
    private void watch() throws InterruptedException {
        ImapConnection connection = OwnThread.run(connector::connect);
        try {
            if (Await.of(connection.notifyPersonal(), ANSWER_MAX, ServerException::unreachable)) {
                push = PushKind.NOTIFY;
            } else if (connection.capabilities().has("IDLE")) {
                open(connection);
                push = PushKind.IDLE;
            } else {
                push = PushKind.POLL;
                return;
            }
            // Whatever came before this connection stood was not announced to it.
            wakes.wake(WakeKind.PUSH);
            while (true) {
                if (push == PushKind.IDLE) {
                    open(connection);
                }
                Duration quiet = QUIET_MIN.plusMillis((long)
                        (QUIET_MAX.minus(QUIET_MIN).toMillis() * around.random().nextDouble()));
                WatchOutcome outcome = Await.of(connection.watch(quiet), quiet.plus(ANSWER_MAX), ServerException::unreachable);
                boolean notifying = connection.notifying();
                stir(connection);
                if (outcome == WatchOutcome.CHANGED) {
                    wakes.wake(WakeKind.PUSH);
                }
                if (push == PushKind.NOTIFY && !notifying) {
                    // Too much for the server at once: it is asked again, and if it will not any more, all begins anew.
                    if (!Await.of(connection.notifyPersonal(), ANSWER_MAX, ServerException::unreachable)) {
                        throw new ServerException(
                                new org.postbus.mail.ServerFailure.Unreachable("the server notifies no more"));
                    }
                }
            }
        } finally {
            connection.close();
        }
    }

    private void open(ImapConnection connection) throws InterruptedException {
        MailboxName mailbox = idleOn.get();
        if (!connection.selectedName().equals(Optional.of(mailbox))) {
            Await.of(connection.select(mailbox, true), ANSWER_MAX, ServerException::unreachable);
        }
    }

    private void stir(ImapConnection connection) {
        Set<String> names = new HashSet<>();
        if (!connection.takeChanges().isEmpty()) {
            connection.selectedName().ifPresent(name -> names.add(name.raw()));
        }
        for (AccountChange change : connection.takeAccountChanges()) {
            switch (change) {
                case AccountChange.Dirty(MailboxName name, var status) -> names.add(name.raw());
                case AccountChange.Listed listed ->
                    names.add(listed.mailbox().name().raw());
                case AccountChange.TooMany tooMany -> names.add(EVERY_MAILBOX);
            }
        }
        if (!names.isEmpty()) {
            stirred.accumulateAndGet(names, ImapWatcher::both);
        }
    }

    /** No mailbox has an empty name. */
    static final String EVERY_MAILBOX = "";

    private static Set<String> both(Set<String> one, Set<String> other) {
        Set<String> both = new HashSet<>(one);
        both.addAll(other);
        return both;
    }
}
