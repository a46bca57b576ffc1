package org.postbus.gateway.mutation;

import com.fasterxml.jackson.annotation.JsonRawValue;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.postbus.gateway.queue.Hold;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;

/**
 * A mutation and its state.
 *
 * @param emailId empty for a mutation of a mailbox
 * @param mailboxId empty for a mutation of an email
 * @param kind {@code update}, {@code destroy}, {@code mailbox-create}, {@code mailbox-update} or {@code mailbox-destroy}
 * @param patch the merge patch of the request; an empty object for {@code destroy}
 * @param state {@code queued}, {@code sending}, {@code applied}, {@code confirmed}, {@code rejected}, {@code failed} or
 *     {@code in-doubt}
 * @param nextTryAt present while {@code queued}, unless it waits for a sync pass
 * @param error why it was refused, or why it waits
 * @param hold present while it waits because the mail server can not be used
 */
record Mutation(
        MutationId id,
        Optional<EmailId> emailId,
        Optional<MailboxId> mailboxId,
        String kind,
        @JsonRawValue String patch,
        String state,
        int attempts,
        Optional<Instant> nextTryAt,
        Optional<String> error,
        Optional<Hold> hold,
        Instant createdAt,
        Instant updatedAt) {
    Mutation {
        Objects.requireNonNull(id);
        Objects.requireNonNull(emailId);
        Objects.requireNonNull(mailboxId);
        Objects.requireNonNull(kind);
        Objects.requireNonNull(patch);
        Objects.requireNonNull(state);
        Objects.requireNonNull(nextTryAt);
        Objects.requireNonNull(error);
        Objects.requireNonNull(hold);
        Objects.requireNonNull(createdAt);
        Objects.requireNonNull(updatedAt);
    }
}
