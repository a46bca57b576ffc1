package org.postbus.gateway.mutation;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.gateway.Problem.Violation;
import org.postbus.gateway.Problem;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;

/**
 * What is asked for several emails at once.
 *
 * @param wishes in the order in which they stand in the request; empty: to destroy the email
 */
public record EmailBatch(Map<EmailId, Optional<EmailPatch>> wishes) {
    public static final int EMAILS_MAX = 1_000;

    public EmailBatch {
        wishes = new LinkedHashMap<>(wishes);
    }

    static EmailBatch update(EmailId email, EmailPatch patch) {
        return new EmailBatch(Map.of(email, Optional.of(patch)));
    }

    static EmailBatch destroy(EmailId email) {
        return new EmailBatch(Map.of(email, Optional.empty()));
    }

    /** @throws org.postbus.gateway.ProblemException 422 that names every violation of the form */
    public static EmailBatch of(JsonNode json) {
        List<Violation> violations = new ArrayList<>();
        Map<EmailId, Optional<EmailPatch>> wishes = new LinkedHashMap<>();
        json.fieldNames().forEachRemaining(name -> {
            if (!name.equals("update") && !name.equals("destroy")) {
                violations.add(Violation.at("no such property: " + name, name));
            }
        });
        JsonNode update = json.path("update");
        JsonNode destroy = json.path("destroy");
        if (!update.isMissingNode() && !update.isObject()) {
            violations.add(Violation.at("update must be an object", "update"));
        }
        if (!destroy.isMissingNode() && !destroy.isArray()) {
            violations.add(Violation.at("destroy must be an array", "destroy"));
        }
        if (update.size() + destroy.size() > EMAILS_MAX) {
            violations.add(Violation.at("a batch may name " + EMAILS_MAX + " emails"));
        }
        if (violations.isEmpty()) {
            update.properties()
                    .forEach(patch -> id(patch.getKey(), violations, "update", patch.getKey())
                            .ifPresent(email -> add(
                                    wishes,
                                    email,
                                    Optional.of(
                                            EmailPatch.read(patch.getValue(), violations, "update", patch.getKey())),
                                    violations,
                                    "update",
                                    patch.getKey())));
            for (int i = 0; i < destroy.size(); i++) {
                String at = String.valueOf(i);
                id(destroy.get(i).asText(), violations, "destroy", at)
                        .ifPresent(email -> add(wishes, email, Optional.empty(), violations, "destroy", at));
            }
            if (violations.isEmpty() && wishes.isEmpty()) {
                violations.add(Violation.at("nothing is to be changed"));
            }
        }
        if (!violations.isEmpty()) {
            throw Problem.invalid(violations);
        }
        return new EmailBatch(wishes);
    }

    private static Optional<EmailId> id(String text, List<Violation> violations, String... at) {
        try {
            return Optional.of(EmailId.of(text));
        } catch (IllegalArgumentException e) {
            violations.add(Violation.at("not an email id", at));
            return Optional.empty();
        }
    }

    private static void add(
            Map<EmailId, Optional<EmailPatch>> wishes,
            EmailId email,
            Optional<EmailPatch> wish,
            List<Violation> violations,
            String... at) {
        if (wishes.containsKey(email)) {
            violations.add(Violation.at("the email is named twice", at));
        }
        wishes.put(email, wish);
    }

    Set<MailboxId> mailboxes() {
        Set<MailboxId> mailboxes = new HashSet<>();
        wishes.values()
                .forEach(wish -> wish.ifPresent(
                        patch -> mailboxes.addAll(patch.mailboxIds().keySet())));
        return mailboxes;
    }

    /**
     * What became of a batch: each email is in one of the two.
     *
     * @param mutationIds the wishes that were stored
     * @param refused the others, and why
     */
    public record Accepted(Map<EmailId, MutationId> mutationIds, Map<EmailId, Refusal> refused) {}

    /**
     * As in RFC 8620 section 5.3.
     *
     * @param type {@code notFound} or {@code invalidProperties}
     */
    public record Refusal(String type, String description) {}
}
