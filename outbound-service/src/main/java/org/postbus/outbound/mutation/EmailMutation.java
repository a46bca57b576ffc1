package org.postbus.outbound.mutation;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;

/** A requested change of an email: a row of {@code pending_changes} that this process has claimed. */
public record EmailMutation(MutationId id, EmailId emailId, Change change, Tries tries) {
    public EmailMutation {
        Objects.requireNonNull(id);
        Objects.requireNonNull(emailId);
        Objects.requireNonNull(change);
        Objects.requireNonNull(tries);
    }

    /** The requested state of an email. Applying it twice has the same effect as applying it once. */
    public sealed interface Change {

        /** {@code true} adds, {@code false} removes; keywords and mailboxes that are not named stay unchanged. */
        record Update(Map<Keyword, Boolean> keywords, Map<MailboxId, Boolean> mailboxIds) implements Change {
            public Update {
                keywords = Map.copyOf(keywords);
                mailboxIds = Map.copyOf(mailboxIds);
            }
        }

        record Destroy() implements Change {}

        /**
         * Reads the column {@code patch}, a JSON merge patch (RFC 7396) of {@code keywords} and {@code mailboxIds}.
         *
         * @throws IllegalArgumentException if it is not a valid patch; the message names the part
         */
        static Change ofPatch(JsonNode patch) {
            Map<Keyword, Boolean> keywords = new TreeMap<>();
            members(patch, "keywords").forEach((name, set) -> keywords.put(Keyword.of(name), set));
            Map<MailboxId, Boolean> mailboxIds = new TreeMap<>();
            members(patch, "mailboxIds").forEach((id, set) -> mailboxIds.put(MailboxId.of(id), set));
            return new Update(keywords, mailboxIds);
        }

        private static Map<String, Boolean> members(JsonNode patch, String property) {
            Map<String, Boolean> members = new TreeMap<>();
            JsonNode object = patch.path(property);
            if (!object.isObject() && !object.isMissingNode()) {
                throw new IllegalArgumentException(property + " must be an object");
            }
            object.properties().forEach(member -> {
                JsonNode value = member.getValue();
                if (!value.isNull() && !(value.isBoolean() && value.booleanValue())) {
                    throw new IllegalArgumentException(property + "/" + member.getKey() + " must be true or null");
                }
                members.put(member.getKey(), !value.isNull());
            });
            return members;
        }
    }
}
