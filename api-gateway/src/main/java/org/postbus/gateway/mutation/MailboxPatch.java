package org.postbus.gateway.mutation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.Problem.Violation;
import org.postbus.gateway.Problem;
import org.postbus.model.MailboxId;

/**
 * What is asked of a mailbox's name and place (RFC 8621 section 2). What is empty stays as it is. Valid in form.
 *
 * @param parentId empty within for the top level
 */
public record MailboxPatch(Optional<String> name, Optional<Optional<MailboxId>> parentId) {
    /** What every server takes (RFC 8621 section 2, maxSizeMailboxName, has at least 100). */
    static final int NAME_OCTETS_MAX = 200;

    /** @throws org.postbus.gateway.ProblemException 422 that names every violation */
    public static MailboxPatch ofCreation(JsonNode json) {
        return read(json, true);
    }

    /** @throws org.postbus.gateway.ProblemException 422 that names every violation */
    public static MailboxPatch ofUpdate(JsonNode json) {
        return read(json, false);
    }

    private static MailboxPatch read(JsonNode json, boolean nameRequired) {
        List<Violation> violations = new ArrayList<>();
        json.fieldNames().forEachRemaining(property -> {
            if (!property.equals("name") && !property.equals("parentId")) {
                violations.add(Violation.at("no such property, or it cannot be changed: " + property, property));
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
            violations.add(Violation.at("must be there", "name"));
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
            violations.add(Violation.at("nothing is to be changed"));
        }
        if (!violations.isEmpty()) {
            throw Problem.invalid(violations);
        }
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
