package org.postbus.fetcher.loop;

import java.time.Duration;

/** What follows a claim that has ended. */
sealed interface Pause {
    /** @param atLeast a sync request does not end it earlier */
    record For(Duration delay, Duration atLeast) implements Pause {}

    /** Until a sync request; a change of the account starts a new loop anyway. */
    record UntilRequested() implements Pause {}

    /**
     * Until the database and Kafka work again, or it is this loop's turn to try.
     *
     * @param atLeast not zero if they fail again and again for this account although they work for others
     */
    record UntilInfrastructureWorks(Duration atLeast) implements Pause {}

    /** Until the account changes, which starts a new loop. */
    record ForGood() implements Pause {}
}
