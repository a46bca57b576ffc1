package org.postbus.gateway.email;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.problem.Violations;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;

/**
 * Mutations of several emails in one request. Pure.
 *
 * @param mutations in the order of the request. Empty: destroys the email
 */
public record EmailBatch(Map<EmailId, Optional<EmailPatch>> mutations) {
    public static final int EMAILS_MAX = 1_000;

    public EmailBatch {
        mutations = new LinkedHashMap<>(mutations);
    }

    static EmailBatch update(EmailId email, EmailPatch patch) {
        return new EmailBatch(Map.of(email, Optional.of(patch)));
    }

    static EmailBatch destroy(EmailId email) {
        return new EmailBatch(Map.of(email, Optional.empty()));
    }

    /** @throws org.postbus.gateway.problem.ProblemException 422 with every violation of the form */
    public static EmailBatch of(JsonNode json) {
        Violations violations = new Violations();
        Map<EmailId, Optional<EmailPatch>> mutations = new LinkedHashMap<>();
        json.fieldNames().forEachRemaining(name -> {
            if (!name.equals("update") && !name.equals("destroy")) {
                violations.add(Violation.at("unknown property " + name + "; a batch has update and destroy", name));
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
            violations.add(Violation.at("a batch may name at most " + EMAILS_MAX + " emails; split it"));
        }
        if (violations.isEmpty()) {
            update.properties()
                    .forEach(patch -> id(patch.getKey(), violations, "update", patch.getKey())
                            .ifPresent(email -> add(
                                    mutations,
                                    email,
                                    Optional.of(
                                            EmailPatch.read(patch.getValue(), violations, "update", patch.getKey())),
                                    violations,
                                    "update",
                                    patch.getKey())));
            for (int i = 0; i < destroy.size(); i++) {
                String at = String.valueOf(i);
                id(destroy.get(i).asText(), violations, "destroy", at)
                        .ifPresent(email -> add(mutations, email, Optional.empty(), violations, "destroy", at));
            }
            if (violations.isEmpty() && mutations.isEmpty()) {
                violations.add(Violation.at("the batch names no email"));
            }
        }
        violations.throwIfAny();
        return new EmailBatch(mutations);
    }

    private static Optional<EmailId> id(String text, Violations violations, String... at) {
        try {
            return Optional.of(EmailId.of(text));
        } catch (IllegalArgumentException e) {
            violations.add(Violation.at("not an email id", at));
            return Optional.empty();
        }
    }

    private static void add(
            Map<EmailId, Optional<EmailPatch>> mutations,
            EmailId email,
            Optional<EmailPatch> mutation,
            Violations violations,
            String... at) {
        if (mutations.containsKey(email)) {
            violations.add(Violation.at("the email is named twice", at));
        }
        mutations.put(email, mutation);
    }

    Set<MailboxId> mailboxes() {
        Set<MailboxId> mailboxes = new HashSet<>();
        mutations
                .values()
                .forEach(mutation -> mutation.ifPresent(
                        patch -> mailboxes.addAll(patch.mailboxIds().keySet())));
        return mailboxes;
    }

    /**
     * The result of a batch: each email is in one of the two maps.
     *
     * @param mutationIds the mutations that were stored
     * @param refused the other emails, and why
     */
    public record Accepted(Map<EmailId, MutationId> mutationIds, Map<EmailId, Refusal> refused) {}

    /**
     * As in RFC 8620 section 5.3.
     *
     * @param type {@code notFound} or {@code invalidProperties}
     */
    public record Refusal(String type, String description) {}
}
