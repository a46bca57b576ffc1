package org.postbus.writer.decide;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postbus.account.LimitsExceeded;
import org.postbus.account.PushKind;
import org.postbus.account.SyncState;
import org.postbus.change.ChangeEvent.AccountStateChanged;
import org.postbus.change.ChangeEvent.AccountSynced;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.observation.Observation.AccountStateObserved;
import org.postbus.observation.Observation.PassFinished;
import org.postbus.observation.ObservationBatch;

/** The row of {@code account_sync} while it is locked: read once, changed in memory, written back once. */
public final class AccountSync {

    /**
     * The stored row.
     *
     * @param fence of the current claim. Not written back: only a claim and a gap raise it
     * @param appliedSeq of the last batch that was applied under that claim
     * @param changeSeq of the account's last row in {@code change_log}
     * @param passesFinished the number of complete passes
     * @param initialDone whether the initial sync has ended
     * @param limitsExceeded in a row since the last complete pass
     * @param reported the state and error of the last {@code account.state} change
     * @param counts of the running pass
     * @param part of the batch that has been applied in part
     */
    public record Row(
            long fence,
            long appliedSeq,
            long changeSeq,
            long passesFinished,
            boolean initialDone,
            Optional<Instant> lastSyncedAt,
            SyncState state,
            Optional<String> lastError,
            Optional<Instant> retryAt,
            Optional<PushKind> push,
            Optional<LimitsExceeded> limitsExceeded,
            Reported reported,
            EmailCounts counts,
            BatchPart part) {}

    public record Reported(SyncState state, Optional<String> error) {}

    private final long fence;
    private long appliedSeq;
    private long changeSeq;
    private long passesFinished;
    private boolean initialDone;
    private Optional<Instant> lastSyncedAt;
    private SyncState state;
    private Optional<String> lastError;
    private Optional<Instant> retryAt;
    private Optional<PushKind> push;
    private Optional<LimitsExceeded> limitsExceeded;
    private Reported reported;
    private EmailCounts counts;
    private BatchPart part;

    public AccountSync(Row row) {
        this.fence = row.fence();
        this.appliedSeq = row.appliedSeq();
        this.changeSeq = row.changeSeq();
        this.passesFinished = row.passesFinished();
        this.initialDone = row.initialDone();
        this.lastSyncedAt = row.lastSyncedAt();
        this.state = row.state();
        this.lastError = row.lastError();
        this.retryAt = row.retryAt();
        this.push = row.push();
        this.limitsExceeded = row.limitsExceeded();
        this.reported = row.reported();
        this.counts = row.counts();
        this.part = row.part();
    }

    public Row row() {
        return new Row(
                fence,
                appliedSeq,
                changeSeq,
                passesFinished,
                initialDone,
                lastSyncedAt,
                state,
                lastError,
                retryAt,
                push,
                limitsExceeded,
                reported,
                counts,
                part);
    }

    public SequenceCheck check(ObservationBatch batch) {
        return SequenceCheck.of(fence, appliedSeq, batch.fence(), batch.seq());
    }

    public void applied(ObservationBatch batch) {
        appliedSeq = batch.seq();
        part = BatchPart.NONE;
    }

    /** How far this batch has been applied by earlier transactions. */
    public BatchPart partOf(ObservationBatch batch) {
        return part.of(batch);
    }

    /** The batch has been applied up to here, and not further. */
    public void appliedInPart(BatchPart reached) {
        part = reached;
    }

    public long changeSeq() {
        return changeSeq;
    }

    /** The sequence number of a change that is appended now. */
    public long append(Change change) {
        counts = counts.plus(change);
        changeSeq++;
        return changeSeq;
    }

    public long passesFinished() {
        return passesFinished;
    }

    public EmailCounts counts() {
        return counts;
    }

    /** @return the changes to append. The counts stay those of the finished pass until {@link #startPass} */
    public List<Change> finish(PassFinished pass) {
        passesFinished++;
        limitsExceeded = Optional.empty();
        lastSyncedAt = Optional.of(pass.finishedAt());
        List<Change> changes = new ArrayList<>();
        if (pass.initialRunEnded()) {
            if (!initialDone) {
                initialDone = true;
                changes.add(new AccountSynced());
            }
            state = SyncState.IDLE;
            lastError = Optional.empty();
            retryAt = Optional.empty();
            stateChange().ifPresent(changes::add);
        }
        return changes;
    }

    public void startPass() {
        counts = EmailCounts.NONE;
    }

    /**
     * @param changes to append
     * @param newError belongs into {@code sync_log}: an error that the account did not have before
     */
    public record StateDecision(List<Change> changes, Optional<String> newError) {}

    public StateDecision observe(AccountStateObserved observed) {
        state = observed.state();
        lastError = observed.error();
        retryAt = observed.retryAt();
        push = observed.push().or(() -> push);
        limitsExceeded = observed.limitsExceeded().or(() -> limitsExceeded);
        boolean isNew = !observed.error().equals(reported.error());
        return new StateDecision(
                stateChange().stream().toList(), observed.error().filter(error -> isNew));
    }

    /**
     * Empty if the state is the one that was reported last. {@code syncing} is not reported: every poll would report two changes, and an account
     * that is retried every few minutes would seem to recover each time.
     */
    private Optional<Change> stateChange() {
        Reported current = new Reported(state, lastError);
        if (state == SyncState.SYNCING || current.equals(reported)) {
            return Optional.empty();
        }
        reported = current;
        return Optional.of(new AccountStateChanged(state, lastError));
    }
}
