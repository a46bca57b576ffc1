package org.postbus.outbound.mutation;

import java.time.Duration;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The claim of this process on the mutations that it is applying. A process that was frozen for longer than the claim's time may find that
 * another one has taken them over: it must send nothing more. The database decides who owns them; between two questions to the database a
 * deadline by a monotonic clock is enough, because no other process can claim them earlier than {@code time} after the last confirmation.
 * Thread-safe.
 */
public final class HeldClaim {
    /** The database's answer. */
    public enum Confirmation {
        HELD,
        /** Another process has taken them over, or a user has discarded them. */
        LOST,
        /** The database did not answer. */
        UNKNOWN
    }

    /** Another process owns the mutations, or may own them: nothing more may be sent. */
    public static final class LostException extends RuntimeException {
        private static final long serialVersionUID = 1;

        LostException() {
            super("another process may have taken the mutations over", null, false, false);
        }
    }

    private final Supplier<Confirmation> database;
    private final LongSupplier nanoTime;
    private final long askAfter;
    private final long validFor;

    private volatile long confirmedAt;
    private volatile boolean lost;

    /**
     * @param time how long a claim is valid after each confirmation, at least
     * @param database asks whether this process still owns the mutations, and extends the claim. Blocks
     * @param nanoTime the monotonic clock
     * @param claimedAt by that clock, before the mutations were claimed
     */
    public HeldClaim(Duration time, Supplier<Confirmation> database, LongSupplier nanoTime, long claimedAt) {
        this.database = Objects.requireNonNull(database);
        this.nanoTime = Objects.requireNonNull(nanoTime);
        // A third of the time is left for the command to reach the server.
        this.validFor = time.toNanos() / 3 * 2;
        this.askAfter = time.toNanos() / 6;
        this.confirmedAt = claimedAt;
    }

    /** Before a command that may be repeated without harm. Asks the database only if it has not been asked for a while. */
    public void beforeCommand() {
        if (lost || nanoTime.getAsLong() - confirmedAt > askAfter) {
            confirm();
        }
    }

    /**
     * Asks the database: before a command that must not run twice, and after it.
     *
     * @throws LostException if another process owns the mutations, or may own them
     */
    public void confirm() {
        do {
            long asked = nanoTime.getAsLong();
            switch (lost ? Confirmation.LOST : database.get()) {
                case HELD -> confirmedAt = asked;
                case LOST -> lost = true;
                case UNKNOWN -> lost = nanoTime.getAsLong() - confirmedAt > validFor;
            }
            if (lost) {
                throw new LostException();
            }
            // The process may have been frozen since the database answered.
        } while (nanoTime.getAsLong() - confirmedAt > validFor);
    }

    /** Whether {@link #confirm} would return, asking the database. */
    public boolean isHeld() {
        try {
            confirm();
            return true;
        } catch (LostException e) {
            return false;
        }
    }
}
