package org.postbus.outbound.mutation;

import java.util.List;
import java.util.Objects;
import org.postbus.model.EmailId;

/**
 * Everything that is requested for one email, as one change.
 *
 * @param mutations what it stands for, oldest first: each of them ends as this one does
 */
public record FoldedMutation(EmailId emailId, EmailMutation.Change change, List<EmailMutation> mutations) {
    public FoldedMutation {
        Objects.requireNonNull(emailId);
        Objects.requireNonNull(change);
        mutations = List.copyOf(mutations);
        if (mutations.isEmpty()) {
            throw new IllegalArgumentException("a folded mutation stands for one mutation at least");
        }
    }

    /** Whether an earlier try may have done a part of it: what may not be done twice is then looked for first. */
    public boolean triedBefore() {
        return mutations.stream().anyMatch(mutation -> mutation.attempts() > 1);
    }

    /** Whether, if the state we know does not fit the server's once more, there is no other try. */
    public boolean isLastTryOnFreshState() {
        return mutations.stream().anyMatch(mutation -> mutation.attempts() >= RetryRule.CONFLICT_TRIES_MAX);
    }
}
