package org.postbus.gateway.mailbox;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.problem.Violations;
import org.postbus.model.MailboxId;

/**
 * A change of a mailbox's name and parent (RFC 8621 section 2), valid in form. Pure.
 *
 * @param name empty: stays as it is
 * @param parentId empty: stays as it is; an inner empty value moves the mailbox to the top level
 */
public record MailboxPatch(Optional<String> name, Optional<Optional<MailboxId>> parentId) {
    /** Servers accept at least 100 (RFC 8621 section 1.3.1, maxSizeMailboxName), and most of them this. */
    static final int NAME_OCTETS_MAX = 200;

    /** @throws org.postbus.gateway.problem.ProblemException 422 with every violation */
    public static MailboxPatch ofCreation(JsonNode json) {
        return read(json, true);
    }

    /** @throws org.postbus.gateway.problem.ProblemException 422 with every violation */
    public static MailboxPatch ofUpdate(JsonNode json) {
        return read(json, false);
    }

    private static MailboxPatch read(JsonNode json, boolean nameRequired) {
        Violations violations = new Violations();
        json.fieldNames().forEachRemaining(property -> {
            if (!property.equals("name") && !property.equals("parentId")) {
                violations.add(Violation.at(
                        "unknown or read-only property " + property + "; only name and parentId can be set", property));
            }
        });
        Optional<String> name = Optional.empty();
        if (json.has("name")) {
            name = Optional.ofNullable(json.get("name").textValue());
            name.ifPresentOrElse(
                    text -> {
                        if (!isName(text)) {
                            violations.add(Violation.at(
                                    "must have 1 to " + NAME_OCTETS_MAX
                                            + " octets in UTF-8, no control characters and no space at its ends",
                                    "name"));
                        }
                    },
                    () -> violations.add(Violation.at("must be a string", "name")));
        } else if (nameRequired) {
            violations.add(Violation.at("name is required", "name"));
        }
        Optional<Optional<MailboxId>> parentId = Optional.empty();
        if (json.has("parentId")) {
            try {
                parentId = Optional.of(
                        json.get("parentId").isNull()
                                ? Optional.empty()
                                : Optional.of(MailboxId.of(json.get("parentId").asText())));
            } catch (IllegalArgumentException e) {
                violations.add(Violation.at("not a mailbox id", "parentId"));
            }
        }
        if (violations.isEmpty() && name.isEmpty() && parentId.isEmpty()) {
            violations.add(Violation.at("the patch changes nothing; give name or parentId"));
        }
        violations.throwIfAny();
        return new MailboxPatch(name, parentId);
    }

    private static boolean isName(String text) {
        return !text.isEmpty()
                && text.strip().equals(text)
                && text.chars().noneMatch(Character::isISOControl)
                && text.getBytes(StandardCharsets.UTF_8).length <= NAME_OCTETS_MAX
                && StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    /** The column {@code pending_changes.patch}. */
    String json() {
        ObjectNode patch = EventCodec.mapper().createObjectNode();
        name.ifPresent(text -> patch.put("name", text));
        parentId.ifPresent(
                parent -> patch.put("parentId", parent.map(MailboxId::toString).orElse(null)));
        return EventCodec.encodeToString(patch);
    }
}
