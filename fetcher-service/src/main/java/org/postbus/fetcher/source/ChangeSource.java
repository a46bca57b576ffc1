package org.postbus.fetcher.source;

import java.time.Instant;
import org.postbus.event.PushKind;
import org.postbus.fetcher.publish.ObservationPublisher;

/** A mail server as one account sees it: read in passes, and watched in between. Two protocols, two kinds. */
public interface ChangeSource extends AutoCloseable {

    /**
     * Looks at the whole account once and publishes what differs from what was published or stored before. What was
     * published before a failure stays true; the account is then claimed anew.
     *
     * @param full trust no cursor: compare everything
     * @param everything look at every mailbox, though it be expensive: somebody asked, or relies on what this pass sees
     */
    PassOutcome pass(ObservationPublisher out, boolean full, boolean everything, Instant now)
            throws InterruptedException;

    /** Begins to wake the loop when the server has news, for as long as this source is open. */
    void watch(WakeSignal wakes);

    /** What wakes the loop at the moment; {@code POLL} if the server offers nothing or the watcher is in trouble. */
    PushKind push();

    /** Ends connections and the watcher at once. */
    @Override
    void close();

    /**
     * @param initialRunEnded everything that there was when the account was first seen has been published
     * @param again look once more without waiting: emails lost a mailbox, and the writer destroys or moves them only when a
     *     whole pass has gone by; or more has come meanwhile
     */
    record PassOutcome(boolean initialRunEnded, boolean again) {}
}
