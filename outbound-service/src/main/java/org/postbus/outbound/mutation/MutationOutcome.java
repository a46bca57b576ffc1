package org.postbus.outbound.mutation;

import java.time.Duration;
import java.util.Objects;

/** The result of one attempt at a mutation: the next state of its row in {@code pending_changes}. */
public sealed interface MutationOutcome {

    /** The server has applied it: {@code applied}, until a sync pass that began later confirms it. */
    record Applied() implements MutationOutcome {}

    /**
     * The server refused it permanently: {@code rejected}. The overlay ends in the same transaction.
     *
     * @param code as in {@link org.postbus.mail.ServerFailure.Rejected}
     * @param text for people
     */
    record Rejected(String code, String text) implements MutationOutcome {
        public Rejected {
            Objects.requireNonNull(code);
            Objects.requireNonNull(text);
        }
    }

    /** Back to {@code queued}, to be tried again after {@code delay}: the server answered and refused it temporarily. */
    record Deferred(Duration delay, String text) implements MutationOutcome {
        public Deferred {
            Objects.requireNonNull(delay);
            Objects.requireNonNull(text);
        }
    }

    /**
     * Back to {@code queued}: the server's state differs from what is stored. It is tried again when a pass has ended that began after this
     * attempt.
     */
    record OutOfDate(String text) implements MutationOutcome {
        public OutOfDate {
            Objects.requireNonNull(text);
        }
    }

    /** Back to {@code queued}: the account's server cannot be used for now, and its whole queue waits. The attempt does not count. */
    record Held(String text) implements MutationOutcome {
        public Held {
            Objects.requireNonNull(text);
        }
    }

    /**
     * Back to {@code queued}: the connection was lost while the server executed a command for it. The attempt does not count, but it waits for
     * longer than the queue, so that a mutation that the server always ends the connection for does not stop the others.
     */
    record Interrupted(Duration delay, String text) implements MutationOutcome {
        public Interrupted {
            Objects.requireNonNull(delay);
            Objects.requireNonNull(text);
        }
    }

    /**
     * Back to {@code queued} until the fetcher has reported the email's location, or that it is gone.
     *
     * @param counts whether it counts as an attempt
     */
    record LocationUnknown(Duration delay, String text, boolean counts) implements MutationOutcome {
        public LocationUnknown {
            Objects.requireNonNull(delay);
            Objects.requireNonNull(text);
        }
    }

    /** Back to {@code queued} and due at once: it was not tried. The attempt does not count. */
    record Released() implements MutationOutcome {}

    /** No more attempts: {@code failed}, visible until a user retries or discards it. */
    record Failed(String text) implements MutationOutcome {
        public Failed {
            Objects.requireNonNull(text);
        }
    }

    /** Whether the server's state differs from the database's, so that the account should be synced now. */
    default boolean needsSync() {
        return switch (this) {
            case Applied applied -> true;
            case Rejected rejected -> true;
            case Deferred deferred -> true;
            case OutOfDate outOfDate -> true;
            case Interrupted interrupted -> false;
            case LocationUnknown unknown -> true;
            case Held held -> false;
            case Released released -> false;
            case Failed failed -> false;
        };
    }

    /** Its name in metrics and logs. */
    default String label() {
        return switch (this) {
            case Applied applied -> "applied";
            case Rejected rejected -> "rejected";
            case Deferred deferred -> "retried";
            case OutOfDate outOfDate -> "out-of-date";
            case Interrupted interrupted -> "interrupted";
            case LocationUnknown unknown -> "unplaced";
            case Held held -> "held";
            case Released released -> "released";
            case Failed failed -> "failed";
        };
    }
}
