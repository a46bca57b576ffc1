package org.postbus.fetcher.loop;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.PushKind;
import org.postbus.account.SyncState;
import org.postbus.fetcher.imap.ImapSource;
import org.postbus.fetcher.imap.message.PoisonMessages;
import org.postbus.fetcher.jmap.JmapSource;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.Backoff;
import org.postbus.fetcher.source.ChangeSource;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.InfrastructureOutage;
import org.postbus.fetcher.source.LimitPolicy;
import org.postbus.fetcher.source.OwnThread;
import org.postbus.fetcher.source.WakeKind;
import org.postbus.fetcher.source.WakeSignal;
import org.postbus.fetcher.store.Claim;
import org.postbus.fetcher.store.FenceLostException;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.Text;
import org.postbus.topic.AccountRecord;

/**
 * Keeps one account in sync, on a virtual thread of its own, until it is interrupted: claim, connect, pass, wait for a wake-up, pass, and so
 * on; after a failure it waits and starts with a new claim. This is where the fetcher decides what a {@link ServerFailure} means.
 *
 * <p>If it is stopped or fails at any point, what was published stays true, and what was not is found by the next pass. The fence of the new
 * claim makes the writer drop batches of the old one that are still in flight.
 *
 * <p>While the database or Kafka fails, the loops of all accounts wait together ({@link InfrastructureOutage}). The wait after another failure is computed by {@link Backoff}; it grows with each failure in a row, until a pass succeeds. A sync request ends a
 * wait early, but not before the time that the server asked for has passed, or 5 s if the server asked for none. A refused login is believed
 * according to {@link AuthFailurePolicy}; the account is then tried again only after a change of the account or a sync request. A server
 * that exceeds limits again and again rests according to {@link LimitPolicy}, also over a restart of the process.
 */
final class AccountLoop implements Runnable {
    /** Batches that were sent get this long to be applied before a new claim makes the writer drop them. */
    private static final Duration APPLY_TIME = Duration.ofSeconds(10);
    /** The shortest time between a failure and the next try, if a sync request asks for it and the server gave no hint. */
    private static final Duration REQUESTED_PAUSE = Duration.ofSeconds(5);

    private static final Duration FOR_EVER = Duration.ofDays(36_500);
    private static final int ERROR_LENGTH_MAX = 500;
    private static final Logger LOG = Logger.getLogger(AccountLoop.class);

    private final AccountRecord account;
    private final FetcherContext context;
    private final AccountMetrics metrics;
    private final WakeSignal wakes;
    private final PoisonMessages poisonMessages = new PoisonMessages();
    private int failures;
    /** In a row, of the infrastructure, each although it worked for others. */
    private int failuresAlone;

    private boolean worksForOthers = true;

    private boolean trustNoCursor;
    private Optional<AuthFailurePolicy> authFailures = Optional.empty();
    private Optional<LimitPolicy> limits = Optional.empty();
    private Optional<SyncState> counted = Optional.empty();

    AccountLoop(AccountRecord account, FetcherContext context, AccountMetrics metrics, WakeSignal wakes) {
        this.account = account;
        this.context = context;
        this.metrics = metrics;
        this.wakes = wakes;
    }

    @Override
    public void run() {
        try {
            while (true) {
                Pause pause = underOneClaim();
                metrics.passesEnded(account.accountId());
                switch (pause) {
                    case Pause.For(Duration delay, Duration atLeast) -> wakes.awaitSyncRequest(atLeast, delay);
                    case Pause.UntilRequested untilRequested -> wakes.awaitSyncRequest(Duration.ZERO, FOR_EVER);
                    case Pause.UntilInfrastructureWorks(Duration atLeast) -> {
                        Thread.sleep(atLeast);
                        worksForOthers = context.outage().awaitTurn();
                    }
                    case Pause.ForGood forGood -> {
                        return;
                    }
                }
            }
        } catch (InterruptedException stopped) {
            LOG.debugf("account %s: stopped", account.accountId());
        } finally {
            metrics.passesEnded(account.accountId());
            count(Optional.empty());
        }
    }

    private Pause underOneClaim() throws InterruptedException {
        try {
            Optional<Claim> claimed =
                    OwnThread.run(() -> context.claims().claim(account.tenantId(), account.accountId()));
            if (claimed.isEmpty()) {
                // Deleted, and its tombstone has not arrived yet; or the database was restored from a backup without
                // it.
                LOG.infof("account %s is not in the database", account.accountId());
                return backoff(Optional.empty());
            }
            Claim claim = claimed.get();
            context.outage().works();
            try (ObservationPublisher out = publisher(claim)) {
                StateReport states = new StateReport(claim, out);
                if (account.status() == AccountRecord.Status.PAUSED) {
                    states.report(SyncState.PAUSED);
                    out.flush();
                    return new Pause.ForGood();
                }
                Optional<Duration> rest = restLeft(claim);
                if (rest.isPresent()) {
                    count(Optional.of(SyncState.BACKOFF));
                    return new Pause.For(rest.get(), Duration.ZERO);
                }
                return passes(claim, out, states);
            }
        } catch (FenceLostException e) {
            metrics.failed("fence");
            LOG.infof("account %s is claimed anew: %s", account.accountId(), e.getMessage());
            return backoff(Optional.empty());
        } catch (InfrastructureFailureException e) {
            // Logged without the stack: all accounts fail at the same time, and the cause is outside of this process.
            metrics.failed("backend");
            LOG.warnf("account %s waits for the database or Kafka: %s", account.accountId(), e.getMessage());
            context.outage().failed(e.getMessage(), context.clock().instant());
            failuresAlone += worksForOthers ? 1 : 0;
            return new Pause.UntilInfrastructureWorks(
                    Backoff.ofInfrastructure(failuresAlone, context.random().nextDouble()));
        }
    }

    /** What is left of a rest that began before this loop: the process was started again meanwhile. */
    private Optional<Duration> restLeft(Claim claim) {
        if (limits.isPresent()) {
            return Optional.empty();
        }
        LimitPolicy stored = LimitPolicy.of(claim.limitsExceeded(), account.revision());
        limits = Optional.of(stored);
        return stored.rest()
                .filter(rest -> claim.state() == SyncState.BACKOFF)
                .flatMap(rest -> claim.retryAt())
                .map(retryAt -> Duration.between(context.clock().instant(), retryAt))
                .filter(Duration::isPositive);
    }

    /** Returns only after a failure. */
    private Pause passes(Claim claim, ObservationPublisher out, StateReport states) throws InterruptedException {
        try (ChangeSource source = OwnThread.run(() -> open(claim))) {
            authFailures = Optional.of(AuthFailurePolicy.with(AuthFailurePolicy.History.WORKED_BEFORE));
            if (!claim.initialDone()) {
                states.report(SyncState.INITIAL);
            } else if (states.state() != SyncState.IDLE) {
                states.report(SyncState.SYNCING);
            }
            count(Optional.of(states.state()));
            out.flush();
            source.watch(wakes);
            passUntilFailure(claim, out, states, source);
        } catch (ServerException e) {
            return afterServerFailure(e.failure(), claim, out, states);
        } catch (FenceLostException | InfrastructureFailureException e) {
            throw e;
        } catch (RuntimeException e) {
            // A bug, or a server's answer that reveals one: other accounts must not suffer, and this one is tried
            // again.
            metrics.failed("unexpected");
            LOG.errorf(e, "account %s: unexpected", account.accountId());
            Pause.For pause = backoff(Optional.empty());
            reportBackoff(out, states, "Postbus failed: " + e.getClass().getSimpleName(), pause);
            return pause;
        }
        throw new IllegalStateException("passes end only by a failure");
    }

    private void passUntilFailure(Claim claim, ObservationPublisher out, StateReport states, ChangeSource source)
            throws InterruptedException {
        SyncPasses passes = new SyncPasses(claim, out, states, source, context, trustNoCursor);
        Set<WakeKind> why = EnumSet.of(WakeKind.TIMER);
        while (true) {
            Set<WakeKind> kinds = why;
            Optional<Duration> wait = OwnThread.run(() -> {
                Instant startedAt = context.clock().instant();
                Instant finishedAt = passes.run(kinds, startedAt);
                succeeded(startedAt, finishedAt, states.state());
                return passes.prepareNext();
            });
            why = wait.isPresent() ? wakes.await(wait.get()) : EnumSet.noneOf(WakeKind.class);
            why.forEach(metrics::woken);
        }
    }

    private void succeeded(Instant startedAt, Instant finishedAt, SyncState state) {
        trustNoCursor = false;
        failures = 0;
        failuresAlone = 0;
        worksForOthers = true;
        context.outage().works();
        limits = Optional.of(LimitPolicy.NONE);
        metrics.passFinished(account.accountId(), account.protocol(), startedAt, finishedAt);
        count(Optional.of(state));
    }

    private ChangeSource open(Claim claim) throws InterruptedException {
        Credential credential = claim.credential()
                .orElseThrow(() -> new ServerException(
                        new ServerFailure.AuthRejected("no password or access token is stored for this account")));
        if (authFailures.isEmpty()) {
            authFailures = Optional.of(AuthFailurePolicy.with(
                    claim.state() == SyncState.NEEDS_LOGIN
                            ? AuthFailurePolicy.History.REFUSED_BEFORE
                            : claim.mailboxes().isEmpty()
                                    ? AuthFailurePolicy.History.NEVER_TRIED
                                    : AuthFailurePolicy.History.WORKED_BEFORE));
        }
        return switch (claim.settings()) {
            case AccountSettings.Imap imap -> ImapSource.open(claim, imap, credential, poisonMessages, context);
            case AccountSettings.Jmap jmap -> JmapSource.open(claim, jmap, credential, context);
        };
    }

    private Pause afterServerFailure(ServerFailure failure, Claim claim, ObservationPublisher out, StateReport states)
            throws InterruptedException {
        metrics.failed(failure.getClass().getSimpleName());
        LOG.infof("account %s: %s: %s", account.accountId(), failure.getClass().getSimpleName(), failure.text());
        Optional<Duration> rest = Optional.empty();
        if (failure instanceof ServerFailure.LimitExceeded) {
            limits = limits.map(LimitPolicy::exceeded);
            rest = limits.flatMap(LimitPolicy::rest);
        }
        Optional<Duration> resting = rest;
        Pause pause =
                switch (failure) {
                    case ServerFailure.Unreachable unreachable -> backoff(Optional.empty());
                    case ServerFailure.LimitExceeded tooMuch ->
                        resting.isPresent() ? new Pause.For(resting.get(), REQUESTED_PAUSE) : backoff(Optional.empty());
                    case ServerFailure.Throttled(String text, Optional<Duration> retryAfter) -> backoff(retryAfter);
                    case ServerFailure.AuthRejected refused -> loginRefused();
                    case ServerFailure.CursorLost lost -> {
                        trustNoCursor = true;
                        yield backoff(Optional.empty());
                    }
                    case ServerFailure.Rejected rejected -> backoff(Optional.empty());
                    // The fetcher only reads, so these two mean no more than: try again later.
                    case ServerFailure.Conflict conflict -> backoff(Optional.empty());
                    case ServerFailure.OutcomeUnknown unknown -> backoff(Optional.empty());
                };
        switch (pause) {
            case Pause.For soon ->
                reportBackoff(
                        out,
                        states,
                        failure.text()
                                + resting.map(time ->
                                                ". " + limits.orElseThrow().advice(time))
                                        .orElse(""),
                        soon);
            case Pause.UntilRequested untilRequested -> {
                states.report(
                        SyncState.NEEDS_LOGIN,
                        Optional.of(shortened("The server refuses the login: " + failure.text())),
                        Optional.empty(),
                        Optional.empty());
                out.flush();
            }
            case Pause.UntilInfrastructureWorks untilWorks -> out.flush();
            case Pause.ForGood forGood -> out.flush();
        }
        count(Optional.of(states.state()));
        return pause;
    }

    private Pause loginRefused() {
        Instant now = context.clock().instant();
        AuthFailurePolicy refused = authFailures
                .orElseGet(() -> AuthFailurePolicy.with(AuthFailurePolicy.History.WORKED_BEFORE))
                .refused(now);
        if (refused.isBelieved(now)) {
            authFailures = Optional.of(AuthFailurePolicy.with(AuthFailurePolicy.History.REFUSED_BEFORE));
            return new Pause.UntilRequested();
        }
        authFailures = Optional.of(refused);
        return new Pause.For(refused.pause(context.random().nextDouble()), REQUESTED_PAUSE);
    }

    private Pause.For backoff(Optional<Duration> hint) {
        failures++;
        return new Pause.For(
                Backoff.delay(failures, hint, context.random().nextDouble()), hint.orElse(REQUESTED_PAUSE));
    }

    /** Also sends what the failed pass had found: it is true, and the cursors in it say how far it goes. */
    private void reportBackoff(ObservationPublisher out, StateReport states, String error, Pause.For pause)
            throws InterruptedException {
        Instant retryAt = context.clock().instant().plus(pause.delay());
        states.report(
                SyncState.BACKOFF,
                Optional.of(shortened(error)),
                Optional.of(retryAt),
                Optional.of(PushKind.POLL),
                limits.flatMap(policy -> policy.stored(account.revision())));
        out.flush();
        count(Optional.of(SyncState.BACKOFF));
        Instant until = context.clock().instant().plus(APPLY_TIME);
        while (!out.isApplied() && context.clock().instant().isBefore(until)) {
            Thread.sleep(Duration.ofMillis(100));
        }
    }

    private ObservationPublisher publisher(Claim claim) {
        return new ObservationPublisher(
                claim.tenantId(),
                claim.accountId(),
                claim.fence(),
                context.sink(),
                () -> context.claims().progress(claim),
                new ShownWaits(claim, context.claims(), context.clock()));
    }

    private void count(Optional<SyncState> state) {
        metrics.stateChanged(counted, state);
        counted = state;
    }

    private static String shortened(String text) {
        return text.length() <= ERROR_LENGTH_MAX ? text : Text.cut(text, ERROR_LENGTH_MAX);
    }
}
