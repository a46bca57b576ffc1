package org.postbus.writer.decide;

import java.time.Instant;
import java.util.Optional;
import org.postbus.account.PushKind;
import org.postbus.account.SyncState;

/**
 * The row of {@code account_sync} while it is locked: read once, changed in memory, written back once. The fence is not in
 * what is written back: only a claim and a gap raise it.
 */
public final class AccountSync {
    public final long fence;
    public long appliedSeq;
    public long changeSeq;
    public long pass;
    public boolean initialDone;
    public SyncState state;
    public Optional<Instant> lastSyncedAt;
    public Optional<String> lastError;
    public Optional<Instant> retryAt;
    public Optional<PushKind> push;
    public SyncState announcedState;
    public Optional<String> announcedError;
    public long passCreated;
    public long passUpdated;
    public long passDestroyed;

    public AccountSync(long fence) {
        this.fence = fence;
    }
}
