package org.postbus.writer;

import java.time.Instant;
import java.util.Optional;
import org.postbus.event.PushKind;
import org.postbus.event.SyncState;

/**
 * The row of {@code account_sync} while it is locked: read once, changed in memory, written back once. The fence is not in
 * what is written back: only a claim and a gap raise it.
 */
final class AccountSync {
    final long fence;
    long appliedSeq;
    long changeSeq;
    long pass;
    boolean initialDone;
    SyncState state;
    Optional<Instant> lastSyncedAt;
    Optional<String> lastError;
    Optional<Instant> retryAt;
    Optional<PushKind> push;
    SyncState announcedState;
    Optional<String> announcedError;
    long passCreated;
    long passUpdated;
    long passDestroyed;

    AccountSync(long fence) {
        this.fence = fence;
    }
}
