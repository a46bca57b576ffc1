package org.postbus.gateway.email;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.problem.Violations;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxId;

/**
 * A JSON merge patch (RFC 7396) of an email: true sets, false removes. It is valid in form; {@link #violations} checks it against the
 * account's mailboxes. Pure.
 */
public record EmailPatch(Map<Keyword, Boolean> keywords, Map<MailboxId, Boolean> mailboxIds) {
    /** Of keywords, and of mailboxes. */
    static final int ENTRIES_MAX = 100;

    private static final EmailPatch NOTHING = new EmailPatch(Map.of(), Map.of());

    public EmailPatch {
        keywords = Map.copyOf(keywords);
        mailboxIds = Map.copyOf(mailboxIds);
    }

    /** @throws org.postbus.gateway.problem.ProblemException 422 that names every violation */
    public static EmailPatch of(JsonNode json) {
        Violations violations = new Violations();
        EmailPatch patch = read(json, violations);
        violations.throwIfAny();
        return patch;
    }

    /** @param at the path to the patch in the request */
    static EmailPatch read(JsonNode json, Violations violations, String... at) {
        int before = violations.count();
        if (!json.isObject()) {
            violations.add(Violation.at("must be an object", at));
            return NOTHING;
        }
        json.fieldNames().forEachRemaining(name -> {
            if (!name.equals("keywords") && !name.equals("mailboxIds")) {
                violations.add(Violation.at(
                        "unknown or read-only property " + name + "; only keywords and mailboxIds can be changed",
                        under(at, name)));
            }
        });
        EmailPatch patch = new EmailPatch(
                entries(json, "keywords", Keyword::of, "not a keyword (RFC 8621 section 4.1.1)", violations, at),
                entries(json, "mailboxIds", MailboxId::of, "not a mailbox id", violations, at));
        if (violations.count() == before && patch.equals(NOTHING)) {
            violations.add(Violation.at("the patch changes nothing; name keywords or mailboxIds", at));
        }
        return patch;
    }

    private static String[] under(String[] at, String... names) {
        return Stream.concat(Stream.of(at), Stream.of(names)).toArray(String[]::new);
    }

    /**
     * @param existing the account's mailboxes, or those of them that the patch names
     * @param present the mailboxes that the email is in
     * @return what is wrong with the patch
     */
    List<Violation> violations(Set<MailboxId> existing, Set<MailboxId> present) {
        List<Violation> violations = new ArrayList<>();
        for (MailboxId mailbox : new TreeSet<>(mailboxIds.keySet())) {
            if (!existing.contains(mailbox)) {
                violations.add(Violation.at("there is no such mailbox", "mailboxIds", mailbox.toString()));
            }
        }
        Set<MailboxId> left = new HashSet<>(present);
        mailboxIds.forEach((mailbox, set) -> {
            if (set) {
                left.add(mailbox);
            } else {
                left.remove(mailbox);
            }
        });
        if (!mailboxIds.isEmpty() && left.isEmpty()) {
            violations.add(Violation.at("an email must be in at least one mailbox", "mailboxIds"));
        }
        return violations;
    }

    /** The merge patch with keywords in lower case: the column {@code pending_changes.patch}. */
    ObjectNode json() {
        ObjectNode patch = EventCodec.mapper().createObjectNode();
        put(patch, "keywords", keywords);
        put(patch, "mailboxIds", mailboxIds);
        return patch;
    }

    private static <K extends Comparable<K>> void put(ObjectNode patch, String name, Map<K, Boolean> entries) {
        if (entries.isEmpty()) {
            return;
        }
        ObjectNode property = patch.putObject(name);
        new TreeMap<>(entries).forEach((key, set) -> {
            if (set) {
                property.put(key.toString(), true);
            } else {
                property.putNull(key.toString());
            }
        });
    }

    private static <K> Map<K, Boolean> entries(
            JsonNode json,
            String name,
            Function<String, K> parse,
            String malformed,
            Violations violations,
            String[] at) {
        Map<K, Boolean> entries = new HashMap<>();
        JsonNode property = json.path(name);
        if (property.isMissingNode()) {
            return entries;
        }
        if (!property.isObject()) {
            violations.add(Violation.at(name + " must be an object", under(at, name)));
            return entries;
        }
        if (property.size() > ENTRIES_MAX) {
            violations.add(Violation.at(name + " may have at most " + ENTRIES_MAX + " entries", under(at, name)));
            return entries;
        }
        property.fields().forEachRemaining(entry -> {
            JsonNode value = entry.getValue();
            if (!value.isNull() && !(value.isBoolean() && value.booleanValue())) {
                violations.add(Violation.at("must be true or null", under(at, name, entry.getKey())));
                return;
            }
            try {
                if (entries.put(parse.apply(entry.getKey()), value.isBoolean()) != null) {
                    violations.add(Violation.at("the keyword is named twice", under(at, name, entry.getKey())));
                }
            } catch (IllegalArgumentException e) {
                violations.add(Violation.at(malformed, under(at, name, entry.getKey())));
            }
        });
        return entries;
    }
}
