package org.postbus.fetcher.loop;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.event.AccountRecord;
import org.postbus.event.Observation.PassFinished;
import org.postbus.event.Observation;
import org.postbus.event.PushKind;
import org.postbus.event.SyncState;
import org.postbus.fetcher.imap.ImapSource;
import org.postbus.fetcher.imap.message.PoisonMessages;
import org.postbus.fetcher.jmap.JmapSource;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.Backoff;
import org.postbus.fetcher.source.ChangeSource.PassOutcome;
import org.postbus.fetcher.source.ChangeSource;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.OwnThread;
import org.postbus.fetcher.source.WakeKind;
import org.postbus.fetcher.source.WakeSignal;
import org.postbus.fetcher.store.AccountTables;
import org.postbus.fetcher.store.Claim;
import org.postbus.fetcher.store.FenceLostException;
import org.postbus.fetcher.store.InfrastructureFailureException;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.model.MutationId;

/**
 * Keeps one account in step, on a virtual thread of its own, until it is interrupted: claim, connect, pass, wait for a
 * wake-up, pass, and so on; when something fails, rest and begin with a new claim.
 *
 * <p>If it is stopped or fails anywhere, what was published stays true and what was not is found by the next pass; the new
 * claim's fence makes the writer drop what the old one may still have on its way. This is where the fetcher decides what a
 * {@link ServerFailure} means.
 */
final class AccountLoop implements Runnable {
    /** A pass that found nothing is told to the writer no more often than this; it keeps {@code lastSyncedAt} honest. */
    static final Duration QUIET_PASS_TOLD_EVERY = Duration.ofSeconds(60);
    /** How often a pass may ask for another one at once before the loop takes a breath. */
    private static final int PASSES_IN_A_ROW_MAX = 5;

    private static final Duration BREATH = Duration.ofSeconds(1);
    /** What was sent is given this long to be applied before a new claim makes it void. */
    private static final Duration APPLY_TIME = Duration.ofSeconds(10);

    /** Between a failure and the next try that a person asks for. */
    private static final Duration ASKED_REST = Duration.ofSeconds(5);

    private static final Duration FOR_EVER = Duration.ofDays(36_500);
    private static final int ERROR_LENGTH_MAX = 500;
    private static final Logger LOG = Logger.getLogger(AccountLoop.class);

    private final AccountRecord account;
    private final FetcherContext around;
    private final WakeSignal wakes;
    private final PoisonMessages suspects = new PoisonMessages();
    private int failures;
    private boolean trustNoCursor;
    private Optional<AuthFailurePolicy> patience = Optional.empty();
    private SyncState counted;

    AccountLoop(AccountRecord account, FetcherContext around, WakeSignal wakes) {
        this.account = account;
        this.around = around;
        this.wakes = wakes;
    }

    @Override
    public void run() {
        try {
            while (true) {
                Rest rest = underOneClaim();
                around.metrics().passesEnded(account.accountId());
                switch (rest) {
                    case Rest.For(Duration delay, Duration atLeast) -> wakes.awaitRecord(atLeast, delay);
                    case Rest.UntilAsked asked -> wakes.awaitRecord(Duration.ZERO, FOR_EVER);
                    case Rest.ForGood forGood -> {
                        return;
                    }
                }
            }
        } catch (InterruptedException stopped) {
            LOG.debugf("account %s: stopped", account.accountId());
        } finally {
            around.metrics().passesEnded(account.accountId());
            count(null);
        }
    }

    /** What follows a claim that has ended. */
    private sealed interface Rest {
        /** @param atLeast so long even if somebody asks for a look: what the server said itself, or a breath */
        record For(Duration delay, Duration atLeast) implements Rest {}

        /** Until somebody asks for a look; a change of the account restarts the loop anyway. */
        record UntilAsked() implements Rest {}

        /** Until the account changes, which makes a new loop. */
        record ForGood() implements Rest {}
    }

    private Rest underOneClaim() throws InterruptedException {
        try {
            Optional<Claim> claimed =
                    OwnThread.run(() -> around.tables().claim(account.tenantId(), account.accountId()));
            if (claimed.isEmpty()) {
                // Deleted, and its tombstone is on the way; or restored from a backup without it.
                LOG.infof("account %s is not in the database", account.accountId());
                return backoff(Optional.empty());
            }
            Claim claim = claimed.get();
            try (ObservationPublisher out = publisher(claim)) {
                StateReport states = StateReport.asStored(claim);
                if (account.status() == AccountRecord.Status.PAUSED) {
                    tell(out, states, SyncState.PAUSED, Optional.empty(), Optional.empty(), Optional.empty());
                    out.flush();
                    return new Rest.ForGood();
                }
                return passes(claim, out, states);
            }
        } catch (FenceLostException e) {
            around.metrics().failed("fence");
            LOG.infof("account %s is claimed anew: %s", account.accountId(), e.getMessage());
            return backoff(Optional.empty());
        } catch (InfrastructureFailureException e) {
            around.metrics().failed("backend");
            LOG.warnf("account %s waits for the database or Kafka: %s", account.accountId(), reason(e));
            return backoff(Optional.empty());
        }
    }

    /** Never ends by itself: only a failure ends it. */
    private Rest passes(Claim claim, ObservationPublisher out, StateReport states) throws InterruptedException {
        try (ChangeSource source = OwnThread.run(() -> open(claim))) {
            patience = Optional.of(AuthFailurePolicy.with(AuthFailurePolicy.Standing.WORKED_BEFORE));
            if (!claim.initialDone()) {
                tell(out, states, SyncState.INITIAL, Optional.empty(), Optional.empty(), Optional.empty());
            } else if (states.state() != SyncState.IDLE) {
                tell(out, states, SyncState.SYNCING, Optional.empty(), Optional.empty(), Optional.empty());
            }
            count(states.state());
            out.flush();
            source.watch(wakes);
            passUntilFailure(claim, out, states, source);
        } catch (ServerException e) {
            return afterServerFailure(e.failure(), claim, out, states);
        } catch (FenceLostException | InfrastructureFailureException e) {
            throw e;
        } catch (RuntimeException e) {
            // A bug, ours or the server's doing: no other account is to suffer, and this one is tried again.
            around.metrics().failed("unexpected");
            LOG.errorf(e, "account %s: unexpected", account.accountId());
            Rest.For rest = backoff(Optional.empty());
            rested(out, states, "Postbus failed: " + e.getClass().getSimpleName(), rest);
            return rest;
        }
        throw new IllegalStateException("passes end by a failure only");
    }

    private void passUntilFailure(Claim claim, ObservationPublisher out, StateReport states, ChangeSource source)
            throws InterruptedException {
        Passes passes = new Passes(claim, out, states, source, OwnThread.run(() -> applied(claim)));
        Set<WakeKind> why = EnumSet.of(WakeKind.TIMER);
        while (true) {
            Set<WakeKind> because = why;
            Optional<Duration> wait = OwnThread.run(() -> passes.next(because));
            why = wait.isPresent() ? wakes.await(wait.get()) : EnumSet.noneOf(WakeKind.class);
            why.forEach(around.metrics()::woken);
        }
    }

    /** The passes of one claim, and what one leaves to the next. */
    private final class Passes {
        private final Claim claim;
        private final ObservationPublisher out;
        private final StateReport states;
        private final ChangeSource source;
        private boolean full;
        private boolean followUp;
        private int inARow;
        private int quietPasses;
        private Instant toldAt = Instant.EPOCH;
        private List<MutationId> applied;

        Passes(
                Claim claim,
                ObservationPublisher out,
                StateReport states,
                ChangeSource source,
                List<MutationId> applied) {
            this.claim = claim;
            this.out = out;
            this.states = states;
            this.source = source;
            this.full = claim.fullPass() || trustNoCursor;
            this.applied = applied;
        }

        /** @return how long to wait for a wake-up before the next one; empty: it follows at once */
        Optional<Duration> next(Set<WakeKind> why) throws InterruptedException {
            if (why.contains(WakeKind.RECORD)) {
                applied = applied(claim);
            }
            Instant startedAt = around.clock().instant();
            long sentBefore = out.sentSeq();
            if (states.state() == SyncState.IDLE) {
                out.sayIfMuch(new Observation.AccountStateObserved(
                        SyncState.SYNCING, Optional.empty(), Optional.empty(), Optional.empty()));
            }
            boolean everything = why.contains(WakeKind.RECORD) || !applied.isEmpty();
            PassOutcome outcome = source.pass(out, full, everything, startedAt);
            if (states.state() == SyncState.IDLE && out.wasMuch()) {
                states.news(SyncState.SYNCING, Optional.empty(), Optional.empty(), Optional.empty());
            }
            Instant finishedAt = around.clock().instant();
            boolean foundSomething = out.isPending() || out.sentSeq() > sentBefore;
            quietPasses = foundSomething || why.contains(WakeKind.RECORD) ? 0 : quietPasses + 1;
            boolean tellIt = foundSomething
                    || followUp
                    || !applied.isEmpty()
                    || why.contains(WakeKind.RECORD)
                    || !toldAt.plus(QUIET_PASS_TOLD_EVERY).isAfter(finishedAt);
            if (tellIt) {
                out.add(new PassFinished(startedAt, finishedAt, outcome.initialRunEnded(), applied));
                toldAt = finishedAt;
            }
            SyncState now = outcome.initialRunEnded() ? SyncState.IDLE : states.state();
            tell(out, states, now, Optional.empty(), Optional.empty(), Optional.of(source.push()));
            out.flush();
            if (full) {
                out.awaitApplied();
                around.tables().fullPassDone(claim.tenantId(), claim.accountId(), claim.fence());
                full = false;
                trustNoCursor = false;
            }
            failures = 0;
            around.metrics().passFinished(account.accountId(), account.protocol(), startedAt, finishedAt);
            count(states.state());
            applied = stillToConfirm(applied);
            followUp = outcome.again() || !applied.isEmpty();
            inARow = followUp ? inARow + 1 : 0;
            if (!followUp) {
                return Optional.of(PollSchedule.wait(quietPasses, PollSchedule.longest(source.push(), around.poll())));
            }
            return inARow > PASSES_IN_A_ROW_MAX ? Optional.of(BREATH) : Optional.empty();
        }

        /** Asked now, so that what push tells of is asked of the server at once. Whoever adds to them rings. */
        private List<MutationId> stillToConfirm(List<MutationId> confirmed) throws InterruptedException {
            if (confirmed.size() == AccountTables.CONFIRMED_MAX) {
                // As long as they are there, no others are read.
                out.awaitApplied();
            }
            Set<MutationId> done = Set.copyOf(confirmed);
            return applied(claim).stream()
                    .filter(mutation -> !done.contains(mutation))
                    .toList();
        }
    }

    /** Mutations that a pass which begins later confirms. */
    private List<MutationId> applied(Claim claim) throws InterruptedException {
        AccountTables.BeforePass before = around.tables().beforePass(claim.tenantId(), claim.accountId());
        if (before.fence() != claim.fence()) {
            throw new FenceLostException("fence " + claim.fence() + " was overtaken by " + before.fence());
        }
        return before.applied();
    }

    private ChangeSource open(Claim claim) throws InterruptedException {
        Credential credential = claim.credential()
                .orElseThrow(() -> new ServerException(
                        new ServerFailure.AuthRejected("no password or access token is stored for this account")));
        if (patience.isEmpty()) {
            patience = Optional.of(AuthFailurePolicy.with(
                    claim.state() == SyncState.NEEDS_LOGIN
                            ? AuthFailurePolicy.Standing.REFUSED_BEFORE
                            : claim.mailboxes().isEmpty()
                                    ? AuthFailurePolicy.Standing.NEVER_TRIED
                                    : AuthFailurePolicy.Standing.WORKED_BEFORE));
        }
        return switch (claim.settings()) {
            case AccountSettings.Imap imap -> ImapSource.open(claim, imap, credential, suspects, around);
            case AccountSettings.Jmap jmap -> JmapSource.open(claim, jmap, credential, around);
        };
    }

    private Rest afterServerFailure(ServerFailure failure, Claim claim, ObservationPublisher out, StateReport states)
            throws InterruptedException {
        around.metrics().failed(failure.getClass().getSimpleName());
        LOG.infof("account %s: %s: %s", account.accountId(), failure.getClass().getSimpleName(), failure.text());
        Rest rest =
                switch (failure) {
                    case ServerFailure.Unreachable unreachable -> backoff(Optional.empty());
                    case ServerFailure.Throttled(String text, Optional<Duration> retryAfter) -> backoff(retryAfter);
                    case ServerFailure.AuthRejected refused -> loginRefused();
                    case ServerFailure.CursorLost lost -> {
                        trustNoCursor = true;
                        yield backoff(Optional.empty());
                    }
                    case ServerFailure.Rejected rejected -> backoff(Optional.empty());
                    // Of things that we only read, these two say no more than: not now.
                    case ServerFailure.Conflict conflict -> backoff(Optional.empty());
                    case ServerFailure.OutcomeUnknown unknown -> backoff(Optional.empty());
                };
        switch (rest) {
            case Rest.For soon -> rested(out, states, failure.text(), soon);
            case Rest.UntilAsked asked -> {
                tell(
                        out,
                        states,
                        SyncState.NEEDS_LOGIN,
                        Optional.of(cut("The server refuses the login: " + failure.text())),
                        Optional.empty(),
                        Optional.empty());
                out.flush();
            }
            case Rest.ForGood forGood -> out.flush();
        }
        count(states.state());
        return rest;
    }

    private Rest loginRefused() {
        Instant now = around.clock().instant();
        AuthFailurePolicy soFar = patience.orElseGet(() -> AuthFailurePolicy.with(AuthFailurePolicy.Standing.WORKED_BEFORE))
                .refused(now);
        if (soFar.isExhausted(now)) {
            patience = Optional.of(AuthFailurePolicy.with(AuthFailurePolicy.Standing.REFUSED_BEFORE));
            return new Rest.UntilAsked();
        }
        patience = Optional.of(soFar);
        return new Rest.For(soFar.pause(around.random().nextDouble()), ASKED_REST);
    }

    private Rest.For backoff(Optional<Duration> hint) {
        failures++;
        return new Rest.For(Backoff.delay(failures, hint, around.random().nextDouble()), hint.orElse(ASKED_REST));
    }

    /** Sends what the failed pass had found as well: it is true, and the cursors with it say how far it goes. */
    private void rested(ObservationPublisher out, StateReport states, String error, Rest.For rest)
            throws InterruptedException {
        Instant retryAt = around.clock().instant().plus(rest.delay());
        tell(out, states, SyncState.BACKOFF, Optional.of(cut(error)), Optional.of(retryAt), Optional.of(PushKind.POLL));
        out.flush();
        count(SyncState.BACKOFF);
        Instant until = around.clock().instant().plus(APPLY_TIME);
        while (!out.isApplied() && around.clock().instant().isBefore(until)) {
            Thread.sleep(Duration.ofMillis(100));
        }
    }

    private void tell(
            ObservationPublisher out,
            StateReport states,
            SyncState state,
            Optional<String> error,
            Optional<Instant> retryAt,
            Optional<PushKind> push)
            throws InterruptedException {
        Optional<Observation.AccountStateObserved> news = states.news(state, error, retryAt, push);
        if (news.isPresent()) {
            out.add(news.get());
        }
    }

    private ObservationPublisher publisher(Claim claim) {
        return new ObservationPublisher(
                claim.tenantId(),
                claim.accountId(),
                claim.fence(),
                around.sink(),
                () -> around.tables().progress(claim.tenantId(), claim.accountId()),
                around.bytesInFlight(),
                around.metrics());
    }

    private void count(SyncState state) {
        around.metrics().accountMoved(counted, state);
        counted = state;
    }

    /** Without the stack: all accounts say so at the same time, and it is not our place in the code that matters. */
    private static String reason(InfrastructureFailureException e) {
        return e.getMessage() + (e.getCause() == null ? "" : ": " + e.getCause().getMessage());
    }

    private static String cut(String text) {
        return text.length() <= ERROR_LENGTH_MAX ? text : org.postbus.mail.Text.cut(text, ERROR_LENGTH_MAX);
    }
}
