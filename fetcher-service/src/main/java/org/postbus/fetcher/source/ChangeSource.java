package org.postbus.fetcher.source;

import java.time.Instant;
import java.util.Optional;
import org.postbus.account.PushKind;
import org.postbus.fetcher.publish.ObservationPublisher;

/**
 * One account on its mail server, under one claim: synced in passes, and watched between them. Implemented once for each protocol. All methods
 * but {@link #push} are called by the account's loop only.
 */
public interface ChangeSource extends AutoCloseable {

    /**
     * What a pass is to do.
     *
     * @param number persisted before the pass reads anything from the server
     * @param full trust no cursor: compare everything
     * @param requested check every mailbox, even where that takes a command for each: a user or outbound-service asked for this pass
     */
    record PassRequest(long number, boolean full, boolean requested, Instant startedAt) {}

    /**
     * Syncs the whole account once and publishes what differs from what was published or stored before. What was published before a failure
     * stays true; after a failure the account is claimed anew.
     */
    PassOutcome pass(ObservationPublisher out, PassRequest request) throws InterruptedException;

    /** Starts to wake the loop when the server has changes, until this source is closed. */
    void watch(WakeSignal wakes);

    /** What wakes the loop at present; {@code POLL} if the server offers no push or the watcher has failed. */
    PushKind push();

    /** When a pass is due whatever happens: a message that could not be read is then tried again. */
    Optional<Instant> nextTry();

    /** Closes the connections and stops the watcher at once. */
    @Override
    void close();

    /**
     * @param initialSyncEnded everything that existed when the account was first synced has been published
     * @param again another pass is to follow without waiting: emails lost a mailbox, and the writer destroys or moves them only after a
     *     whole pass; or more changed meanwhile
     * @param completeSince everything on the server has been checked by passes with this number or a greater one; 0 if that is not certain
     */
    record PassOutcome(boolean initialSyncEnded, boolean again, long completeSince) {}
}
