package org.postbus.outbound.mutation;

import java.util.List;
import java.util.Objects;
import org.postbus.model.EmailId;

/**
 * All mutations of one email as one change.
 *
 * @param mutations the mutations that the change stands for, oldest first; each gets this one's outcome
 */
public record FoldedMutation(EmailId emailId, EmailMutation.Change change, List<EmailMutation> mutations) {
    public FoldedMutation {
        Objects.requireNonNull(emailId);
        Objects.requireNonNull(change);
        mutations = List.copyOf(mutations);
        if (mutations.isEmpty()) {
            throw new IllegalArgumentException("a folded mutation stands for at least one mutation");
        }
    }

    /** Whether an earlier attempt may have applied a part of it. The result of commands that must not run twice is then searched for first. */
    public boolean triedBefore() {
        return mutations.stream().anyMatch(mutation -> mutation.tries().sent());
    }

    /** Whether commands of an earlier attempt were sent whose outcome is unknown: the connection was lost, or the process ended. */
    public boolean interruptedBefore() {
        return mutations.stream()
                .anyMatch(mutation ->
                        mutation.tries().interruptions() > 0 && mutation.tries().sent());
    }
}
