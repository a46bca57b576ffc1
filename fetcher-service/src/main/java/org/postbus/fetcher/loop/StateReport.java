package org.postbus.fetcher.loop;

import java.time.Instant;
import java.util.Optional;
import org.postbus.event.Observation.AccountStateObserved;
import org.postbus.event.PushKind;
import org.postbus.event.SyncState;
import org.postbus.fetcher.store.Claim;

/** What was last said about an account's sync, so that it is said again only when it differs. */
final class StateReport {
    private SyncState state;
    private Optional<String> error;
    private Optional<PushKind> push;

    private StateReport(SyncState state, Optional<String> error, Optional<PushKind> push) {
        this.state = state;
        this.error = error;
        this.push = push;
    }

    static StateReport asStored(Claim claim) {
        return new StateReport(claim.state(), claim.lastError(), claim.push());
    }

    SyncState state() {
        return state;
    }

    /** A push of none leaves what was said of it. */
    Optional<AccountStateObserved> news(
            SyncState state, Optional<String> error, Optional<Instant> retryAt, Optional<PushKind> push) {
        Optional<PushKind> pushNow = push.or(() -> this.push);
        boolean same =
                this.state == state && this.error.equals(error) && this.push.equals(pushNow) && retryAt.isEmpty();
        this.state = state;
        this.error = error;
        this.push = pushNow;
        return same ? Optional.empty() : Optional.of(new AccountStateObserved(state, error, retryAt, pushNow));
    }
}
