package org.postbus.outbound;

import java.util.List;
import java.util.Objects;
import org.postbus.model.EmailId;

/**
 * Everything that is wished for one email, as one change.
 *
 * @param wishes what it stands for, oldest first: each of them ends as this one does
 */
public record FoldedWish(EmailId emailId, Wish.Change change, List<Wish> wishes) {
    public FoldedWish {
        Objects.requireNonNull(emailId);
        Objects.requireNonNull(change);
        wishes = List.copyOf(wishes);
        if (wishes.isEmpty()) {
            throw new IllegalArgumentException("a folded wish stands for one wish at least");
        }
    }

    /** Whether an earlier try may have done a part of it: what may not be done twice is then looked for first. */
    public boolean triedBefore() {
        return wishes.stream().anyMatch(wish -> wish.attempts() > 1);
    }

    /** Whether, if the state we know does not fit the server's once more, there is no other try. */
    public boolean isLastTryOnFreshState() {
        return wishes.stream().anyMatch(wish -> wish.attempts() >= RetryRule.CONFLICT_TRIES_MAX);
    }
}
