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

    /**
     * Back to {@code queued}, to be tried again after {@code delay}.
     *
     * @param holdsAccount the failure concerns the account, not the mutation: the account's other mutations wait as well
     */
    record Deferred(Duration delay, String text, boolean holdsAccount) implements MutationOutcome {
        public Deferred {
            Objects.requireNonNull(delay);
            Objects.requireNonNull(text);
        }
    }

    /** Back to {@code queued}: the server refuses the login. The attempt does not count, and all of the account's mutations wait. */
    record NeedsLogin(Duration delay, String text) implements MutationOutcome {
        public NeedsLogin {
            Objects.requireNonNull(delay);
            Objects.requireNonNull(text);
        }
    }

    /** Back to {@code queued} until the fetcher has reported the email's location, or that it is gone. The attempt does not count. */
    record LocationUnknown(Duration delay, String text) implements MutationOutcome {
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
}
