package org.postbus.outbound.mutation;

import java.time.Duration;
import java.util.Objects;

/** What becomes of a mutation after a try: the step it takes in {@code pending_changes}. */
public sealed interface MutationOutcome {

    /** The server has done it: {@code applied}, until the fetcher has seen the server's state after it. */
    record Applied() implements MutationOutcome {}

    /**
     * The server refuses for good: {@code rejected}, its overlay is gone in the same transaction.
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
     * Back to {@code queued}, to be tried again.
     *
     * @param holdsAccount the failure is the account's, not the mutation's: its other mutations wait as well
     */
    record Deferred(Duration delay, String text, boolean holdsAccount) implements MutationOutcome {
        public Deferred {
            Objects.requireNonNull(delay);
            Objects.requireNonNull(text);
        }
    }

    /** Back to {@code queued} until somebody has seen to the login. The try does not count. */
    record NeedsLogin(Duration delay, String text) implements MutationOutcome {
        public NeedsLogin {
            Objects.requireNonNull(delay);
            Objects.requireNonNull(text);
        }
    }

    /** Back to {@code queued} until the fetcher has found out where the email lies, or that it is gone. The try does not count. */
    record LocationUnknown(Duration delay, String text) implements MutationOutcome {
        public LocationUnknown {
            Objects.requireNonNull(delay);
            Objects.requireNonNull(text);
        }
    }

    /** Back to {@code queued} and due at once: it was not tried. The try does not count. */
    record Released() implements MutationOutcome {}

    /** No more tries: {@code failed}, visible until somebody retries or discards it. */
    record Failed(String text) implements MutationOutcome {
        public Failed {
            Objects.requireNonNull(text);
        }
    }
}
