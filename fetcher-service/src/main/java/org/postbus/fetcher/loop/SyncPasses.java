package org.postbus.fetcher.loop;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.account.SyncState;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.ChangeSource;
import org.postbus.fetcher.source.ChangeSource.PassOutcome;
import org.postbus.fetcher.source.ChangeSource.PassRequest;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.WakeKind;
import org.postbus.fetcher.store.Claim;
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.PassFinished;

/**
 * The passes of one claim, and what one pass leaves to the next.
 *
 * <p>The number of a pass is persisted before the pass reads anything: right after the pass before it, so that a push notification need not
 * wait for the database. A mutation that outbound-service applies in between is stamped with that number and therefore not confirmed by
 * that pass. For a sync request, which outbound-service sends after it applied something, a new number is taken, so that the requested pass
 * does confirm.
 *
 * <p>A pass that finds nothing is reported to the writer once a minute at most; one that found something, that was requested or that follows
 * such a pass at once is always reported.
 */
final class SyncPasses {
    /** Reporting quiet passes this often keeps {@code lastSyncedAt} current and confirms mutations whose sync request was lost. */
    static final Duration QUIET_PASS_REPORTED_EVERY = Duration.ofSeconds(60);
    /** How often a pass may be followed by another at once before the loop pauses. */
    private static final int PASSES_IN_A_ROW_MAX = 5;

    /** A pass that finds little uses its processor time within this time. What takes longer mostly waits for a server. */
    private static final Duration PERMIT_TIME_MAX = Duration.ofMillis(100);

    private static final Duration PAUSE_IN_A_ROW = Duration.ofSeconds(1);
    /** The shortest wait for a pass that tries messages again. */
    private static final Duration NEXT_TRY_MIN = Duration.ofSeconds(10);

    private final Claim claim;
    private final ObservationPublisher out;
    private final StateReport states;
    private final ChangeSource source;
    private final FetcherContext context;
    private boolean full;
    private boolean initial;
    private boolean followUp;
    private int inARow;
    private int quietPasses;
    private Instant reportedAt = Instant.EPOCH;
    private OptionalLong nextNumber = OptionalLong.empty();

    SyncPasses(
            Claim claim,
            ObservationPublisher out,
            StateReport states,
            ChangeSource source,
            FetcherContext context,
            boolean trustNoCursor) {
        this.claim = claim;
        this.out = out;
        this.states = states;
        this.source = source;
        this.context = context;
        this.initial = !claim.initialDone();
        this.full = claim.fullPass() || trustNoCursor;
    }

    /** Runs one pass, when it is its tenant's turn, and publishes all that it found. Returns when the pass ended. */
    Instant run(Set<WakeKind> why, Instant startedAt) throws InterruptedException {
        if (!initial) {
            try (var permit =
                    context.bulkheads().passes().acquire(claim.tenantId()).forAtMost(PERMIT_TIME_MAX)) {
                return runInTurn(why, startedAt);
            }
        }
        try (InitialTurn turn = new InitialTurn(context.bulkheads().initialPasses(), claim.tenantId())) {
            out.beginInitialSync(turn::next);
            return runInTurn(why, startedAt);
        } finally {
            out.endInitialSync();
        }
    }

    private Instant runInTurn(Set<WakeKind> why, Instant startedAt) throws InterruptedException {
        boolean requested = why.contains(WakeKind.SYNC_REQUEST);
        long number = requested || nextNumber.isEmpty() ? context.claims().beginPass(claim) : nextNumber.getAsLong();
        long sentBefore = out.sentSeq();
        if (states.state() == SyncState.IDLE) {
            out.addOnSecondBatch(new Observation.AccountStateObserved(
                    SyncState.SYNCING, Optional.empty(), Optional.empty(), Optional.empty()));
        }
        PassOutcome outcome = source.pass(out, new PassRequest(number, full, requested, startedAt));
        if (states.state() == SyncState.IDLE && out.cancelOnSecondBatch()) {
            states.noteReported(SyncState.SYNCING);
        }
        boolean foundSomething = out.isPending() || out.sentSeq() > sentBefore;
        quietPasses = foundSomething || requested ? 0 : quietPasses + 1;
        Instant finishedAt = context.clock().instant();
        report(outcome, startedAt, finishedAt, foundSomething || requested || followUp);
        out.flush();
        if (full) {
            out.awaitApplied();
            context.claims().endFullPass(claim);
            full = false;
        }
        initial &= !outcome.initialSyncEnded();
        followUp = outcome.again();
        return finishedAt;
    }

    /** Returns how long to wait for a wake-up before the next pass; empty: it follows at once. */
    Optional<Duration> prepareNext() throws InterruptedException {
        nextNumber = OptionalLong.of(context.claims().beginPass(claim));
        inARow = followUp ? inARow + 1 : 0;
        if (!followUp) {
            return Optional.of(notAfterNextTry(
                    PollSchedule.wait(quietPasses, PollSchedule.longest(source.push(), context.poll()))));
        }
        return inARow > PASSES_IN_A_ROW_MAX ? Optional.of(PAUSE_IN_A_ROW) : Optional.empty();
    }

    /** Messages that could not be read are tried again in time. One that is overdue is in a mailbox that cannot be read at present. */
    private Duration notAfterNextTry(Duration wait) {
        Optional<Duration> untilNextTry =
                source.nextTry().map(at -> Duration.between(context.clock().instant(), at));
        if (untilNextTry.isEmpty() || untilNextTry.get().compareTo(wait) >= 0) {
            return wait;
        }
        Duration least = wait.compareTo(NEXT_TRY_MIN) < 0 ? wait : NEXT_TRY_MIN;
        return untilNextTry.get().compareTo(least) < 0 ? least : untilNextTry.get();
    }

    private void report(PassOutcome outcome, Instant startedAt, Instant finishedAt, boolean always)
            throws InterruptedException {
        if (always || !reportedAt.plus(QUIET_PASS_REPORTED_EVERY).isAfter(finishedAt)) {
            out.add(new PassFinished(
                    startedAt,
                    finishedAt,
                    outcome.initialSyncEnded(),
                    Optional.of(outcome.completeSince()).filter(number -> number > 0)));
            reportedAt = finishedAt;
        }
        states.report(
                outcome.initialSyncEnded() ? SyncState.IDLE : states.state(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(source.push()));
    }
}
