package org.postbus.outbound.mutation;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Objects;
import java.util.Optional;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;

/**
 * A requested change of a mailbox: a row of {@code pending_changes} that this process has claimed. It is claimed alone.
 *
 * @param mailboxId the id that the mailbox will have, if it is to be created
 */
public record MailboxMutation(MutationId id, MailboxId mailboxId, Change change, Tries tries) {
    public MailboxMutation {
        Objects.requireNonNull(id);
        Objects.requireNonNull(mailboxId);
        Objects.requireNonNull(change);
        Objects.requireNonNull(tries);
    }

    /** Whether an earlier attempt may have applied it. */
    public boolean triedBefore() {
        return tries.sent();
    }

    public sealed interface Change {
        /** @param parent empty for the top level */
        record Create(String name, Optional<MailboxId> parent) implements Change {}

        /**
         * An empty component leaves the property unchanged.
         *
         * @param parent holds an empty Optional for the top level
         */
        record Update(Optional<String> name, Optional<Optional<MailboxId>> parent) implements Change {}

        /** @param removeEmails if false, the mailbox must be empty */
        record Destroy(boolean removeEmails) implements Change {}

        /**
         * Reads the columns {@code kind} and {@code patch}.
         *
         * @throws IllegalArgumentException if they are not valid; the message names the part
         */
        static Change of(String kind, JsonNode patch) {
            Optional<String> name = Optional.ofNullable(patch.path("name").textValue());
            Optional<Optional<MailboxId>> parent = patch.has("parentId")
                    ? Optional.of(Optional.ofNullable(patch.get("parentId").textValue())
                            .map(MailboxId::of))
                    : Optional.empty();
            return switch (kind) {
                case "mailbox-create" ->
                    new Create(
                            name.orElseThrow(() -> new IllegalArgumentException("a mailbox must have a name")),
                            parent.orElse(Optional.empty()));
                case "mailbox-update" -> new Update(name, parent);
                case "mailbox-destroy" ->
                    new Destroy(patch.path("onDestroyRemoveEmails").asBoolean(false));
                default -> throw new IllegalArgumentException("no such kind: " + kind);
            };
        }
    }
}
