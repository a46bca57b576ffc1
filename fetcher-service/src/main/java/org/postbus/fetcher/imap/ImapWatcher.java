package org.postbus.fetcher.imap;

import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.postbus.account.PushKind;
import org.postbus.fetcher.source.Backoff;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.fetcher.source.LimitPolicy;
import org.postbus.fetcher.source.OwnThread;
import org.postbus.fetcher.source.Sessions;
import org.postbus.fetcher.source.WakeKind;
import org.postbus.fetcher.source.WakeSignal;
import org.postbus.fetcher.store.Claim;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.connection.WatchOutcome;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.session.AccountChange;
import org.postbus.model.AccountId;

/**
 * Watches an account over a connection of its own and wakes its loop: all mailboxes where the server has NOTIFY (RFC 5465), otherwise one with
 * IDLE (the inbox, on Gmail All Mail). It only reports that something changed and in which mailbox; the pass finds out what. When its connection
 * fails or has become old ({@link org.postbus.fetcher.source.Sessions}) it connects again, until its thread is interrupted. While the host's budget
 * has no connection for it, the account is only polled.
 */
final class ImapWatcher implements Runnable {
    // NATs and firewalls drop a quiet connection after some minutes, and RFC 2177 requires a new IDLE within 29. The
    // time is drawn evenly, so
    // that the connections of many accounts are not renewed at the same moment.
    private static final Duration QUIET_MIN = Duration.ofMinutes(4);
    private static final Duration QUIET_MAX = Duration.ofMinutes(9);
    private static final Duration ANSWER_MAX = Duration.ofMinutes(1);
    private static final Duration NO_PERMIT_PAUSE = Duration.ofMinutes(2);
    private static final Logger LOG = Logger.getLogger(ImapWatcher.class);

    /** Connects and logs in. */
    @FunctionalInterface
    interface Connector {
        ImapConnection connect() throws InterruptedException;
    }

    private final Claim claim;
    private final AccountId account;
    private final String host;
    private final FetcherContext context;
    private final Connector connector;
    private final Supplier<MailboxName> idleOn;
    private final WakeSignal wakes;
    private final AtomicReference<DirtyMailboxes> dirty = new AtomicReference<>(DirtyMailboxes.NONE);
    private volatile PushKind push = PushKind.POLL;

    /** @param idleOn the mailbox to watch with IDLE, evaluated each time that IDLE begins */
    ImapWatcher(
            Claim claim,
            String host,
            FetcherContext context,
            Connector connector,
            Supplier<MailboxName> idleOn,
            WakeSignal wakes) {
        this.claim = claim;
        this.account = claim.accountId();
        this.host = host;
        this.context = context;
        this.connector = connector;
        this.idleOn = idleOn;
        this.wakes = wakes;
    }

    PushKind push() {
        return push;
    }

    /** The mailboxes in which something was reported since the last call. */
    DirtyMailboxes takeDirty() {
        return dirty.getAndSet(DirtyMailboxes.NONE);
    }

    @Override
    public void run() {
        int failures = 0;
        LimitPolicy limits = LimitPolicy.NONE;
        try {
            while (true) {
                Optional<HostBudget.Permit> permit = context.hosts().watcherPermit(HostBudget.Who.of(claim), host);
                if (permit.isEmpty()) {
                    push = PushKind.POLL;
                    Thread.sleep(NO_PERMIT_PAUSE.plus(
                            Backoff.delay(1, Optional.empty(), context.random().nextDouble())));
                    continue;
                }
                Instant began = context.clock().instant();
                Optional<Duration> rest = Optional.empty();
                try (HostBudget.Permit held = permit.get()) {
                    if (!watch(began)) {
                        return;
                    }
                    failures = 0;
                    limits = LimitPolicy.NONE;
                    continue;
                } catch (ServerException e) {
                    boolean lasted =
                            began.plus(QUIET_MIN).isBefore(context.clock().instant());
                    failures = lasted ? 1 : failures + 1;
                    // The account is polled meanwhile; the loop finds out whether the server keeps its limits there.
                    limits = e.failure() instanceof ServerFailure.LimitExceeded ? limits.exceeded() : LimitPolicy.NONE;
                    rest = limits.rest();
                    LOG.debugf(
                            "account %s: the watcher failed: %s",
                            account, e.failure().text());
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

    /** Until the connection fails or is old. Returns false if the server offers neither NOTIFY nor IDLE. */
    private boolean watch(Instant began) throws InterruptedException {
        Instant end =
                began.plus(context.sessions().lifetime(false, context.random().nextDouble()));
        ImapConnection connection = OwnThread.run(connector::connect);
        try {
            if (Await.of(connection.notifyPersonal(), ANSWER_MAX, ServerException::unreachable)) {
                push = PushKind.NOTIFY;
            } else if (connection.capabilities().has("IDLE")) {
                select(connection);
                push = PushKind.IDLE;
                // Flags that changed before IDLE began were not reported, and without mod-sequences no number shows
                // them.
                connection.selectedName().ifPresent(this::markDirty);
            } else {
                push = PushKind.POLL;
                return false;
            }
            // What changed before this connection was open was not reported on it.
            wakes.wake(WakeKind.PUSH);
            while (true) {
                Duration left = Duration.between(context.clock().instant(), end);
                if (!left.isPositive()) {
                    context.sessions().renewed().accept(Sessions.Renewal.AGE);
                    return true;
                }
                if (push == PushKind.IDLE) {
                    select(connection);
                }
                Duration quiet = quietTime(left);
                WatchOutcome outcome =
                        Await.of(connection.watch(quiet), quiet.plus(ANSWER_MAX), ServerException::unreachable);
                boolean notifying = connection.notifying();
                noteDirty(connection);
                if (outcome == WatchOutcome.CHANGED) {
                    wakes.wake(WakeKind.PUSH);
                }
                if (push == PushKind.NOTIFY && !notifying) {
                    // NOTIFICATIONOVERFLOW: the server has ended NOTIFY, so it is requested again.
                    if (!Await.of(connection.notifyPersonal(), ANSWER_MAX, ServerException::unreachable)) {
                        throw new ServerException(
                                new ServerFailure.Unreachable("the server refuses NOTIFY after an overflow"));
                    }
                }
            }
        } finally {
            connection.close();
        }
    }

    private Duration quietTime(Duration left) {
        Duration drawn = QUIET_MIN.plusMillis(
                (long) (QUIET_MAX.minus(QUIET_MIN).toMillis() * context.random().nextDouble()));
        return drawn.compareTo(left) < 0 ? drawn : left;
    }

    private void select(ImapConnection connection) throws InterruptedException {
        MailboxName mailbox = idleOn.get();
        if (!connection.selectedName().equals(Optional.of(mailbox))) {
            Await.of(connection.select(mailbox, true), ANSWER_MAX, ServerException::unreachable);
        }
    }

    private void noteDirty(ImapConnection connection) {
        Set<String> names = new HashSet<>();
        boolean every = false;
        if (!connection.takeChanges().isEmpty()) {
            connection.selectedName().ifPresent(name -> names.add(name.raw()));
        }
        for (AccountChange change : connection.takeAccountChanges()) {
            switch (change) {
                case AccountChange.Dirty(MailboxName name, var status) -> names.add(name.raw());
                case AccountChange.Listed listed ->
                    names.add(listed.mailbox().name().raw());
                case AccountChange.TooMany tooMany -> every = true;
            }
        }
        dirty.accumulateAndGet(new DirtyMailboxes(names, every), DirtyMailboxes::and);
    }

    private void markDirty(MailboxName mailbox) {
        dirty.accumulateAndGet(new DirtyMailboxes(Set.of(mailbox.raw()), false), DirtyMailboxes::and);
    }
}
