package org.postbus.outbound.table;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.model.MutationId;
import org.postbus.outbound.mutation.EmailMutation;
import org.postbus.outbound.mutation.MailboxMutation;

/**
 * The mutations of one account that this process has claimed at once.
 *
 * @param mutations oldest first
 * @param mailboxMutation if present, {@code mutations} is empty
 * @param unreadable mutations whose stored patch is invalid, with the reason
 */
public record MutationClaim(
        List<EmailMutation> mutations, Optional<MailboxMutation> mailboxMutation, Map<MutationId, String> unreadable) {
    static final MutationClaim NOTHING = new MutationClaim(List.of(), Optional.empty(), Map.of());

    public MutationClaim {
        mutations = List.copyOf(mutations);
        unreadable = Map.copyOf(unreadable);
    }

    public boolean isEmpty() {
        return mutations.isEmpty() && mailboxMutation.isEmpty() && unreadable.isEmpty();
    }
}
