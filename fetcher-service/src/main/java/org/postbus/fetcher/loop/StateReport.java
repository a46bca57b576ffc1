package org.postbus.fetcher.loop;

import java.time.Instant;
import java.util.Optional;
import org.postbus.account.LimitsExceeded;
import org.postbus.account.PushKind;
import org.postbus.account.SyncState;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.store.Claim;
import org.postbus.observation.Observation.AccountStateObserved;

/** Publishes an account's sync state under one claim, when it differs from what was last published or stored. */
final class StateReport {
    private final ObservationPublisher out;
    private SyncState state;
    private Optional<String> error;
    private Optional<PushKind> push;

    StateReport(Claim claim, ObservationPublisher out) {
        this.out = out;
        this.state = claim.state();
        this.error = claim.lastError();
        this.push = claim.push();
    }

    SyncState state() {
        return state;
    }

    /** A state without an error and with the same push as before. */
    void report(SyncState state) throws InterruptedException {
        report(state, Optional.empty(), Optional.empty(), Optional.empty());
    }

    /**
     * @param retryAt a report with such a time is always published
     * @param push empty: the same as before
     */
    void report(SyncState state, Optional<String> error, Optional<Instant> retryAt, Optional<PushKind> push)
            throws InterruptedException {
        report(state, error, retryAt, push, Optional.empty());
    }

    /** @param limitsExceeded empty: as before */
    void report(
            SyncState state,
            Optional<String> error,
            Optional<Instant> retryAt,
            Optional<PushKind> push,
            Optional<LimitsExceeded> limitsExceeded)
            throws InterruptedException {
        Optional<PushKind> pushNow = push.or(() -> this.push);
        boolean same =
                this.state == state && this.error.equals(error) && this.push.equals(pushNow) && retryAt.isEmpty();
        this.state = state;
        this.error = error;
        this.push = pushNow;
        if (!same) {
            out.add(new AccountStateObserved(state, error, retryAt, pushNow, limitsExceeded));
        }
    }

    /** This state has been published in another way. */
    void noteReported(SyncState state) {
        this.state = state;
        this.error = Optional.empty();
    }
}
