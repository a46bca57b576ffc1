package org.postbus.gateway.submission;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.problem.Violations;
import org.postbus.gateway.submission.Draft.Address;
import org.postbus.gateway.submission.Draft.Attachment;
import org.postbus.gateway.submission.Draft.Parent;
import org.postbus.model.EmailId;

/**
 * Reads a {@link Draft} from the JSON of a request and collects all violations, so that a caller sees them at once. No text that
 * becomes part of a header field can hold a control character. Pure.
 */
final class DraftReader {
    private static final int NAME_LENGTH_MAX = 100;
    private static final int SUBJECT_LENGTH_MAX = 900;
    private static final int ATTACHMENTS_MAX = 100;
    private static final int CONTENT_TYPE_LENGTH_MAX = 121;
    private static final Instant SEND_AT_MAX = Instant.parse("9999-12-31T00:00:00Z");
    private static final Set<String> PROPERTIES = Set.of(
            "from",
            "to",
            "cc",
            "bcc",
            "replyTo",
            "subject",
            "text",
            "html",
            "attachments",
            "inReplyTo",
            "forwardOf",
            "sendAt");
    private static final Pattern MEDIA_TYPE = Pattern.compile("[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}");
    private static final Pattern CONTENT_ID = Pattern.compile("[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,200}");

    private final JsonNode json;
    private final Violations violations = new Violations();

    private DraftReader(JsonNode json) {
        this.json = json;
    }

    /** @throws org.postbus.gateway.problem.ProblemException 422 with every violation */
    static Draft read(JsonNode json) {
        return new DraftReader(json).read();
    }

    private Draft read() {
        json.fieldNames().forEachRemaining(name -> {
            if (!PROPERTIES.contains(name)) {
                violations.add(Violation.at("unknown property " + name, name));
            }
        });
        List<Address> from = addresses("from");
        List<Address> to = addresses("to");
        List<Address> cc = addresses("cc");
        List<Address> bcc = addresses("bcc");
        List<Address> replyTo = addresses("replyTo");
        if (from.size() > 1) {
            violations.add(Violation.at("from may have one address only", "from"));
        }
        int recipients = to.size() + cc.size() + bcc.size();
        if (violations.isEmpty() && (recipients == 0 || recipients > NewMessage.RECIPIENTS_MAX)) {
            violations.add(
                    Violation.at("to, cc and bcc must have 1 to " + NewMessage.RECIPIENTS_MAX + " recipients", "to"));
        }
        String subject =
                line(json.path("subject"), SUBJECT_LENGTH_MAX, "subject").orElse("");
        Optional<String> text = body("text");
        Optional<String> html = body("html");
        List<Attachment> attachments = attachments();
        Optional<Parent> parent = parent();
        Optional<Instant> sendAt = sendAt();
        violations.throwIfAny();
        return new Draft(
                from.stream().findFirst(), to, cc, bcc, replyTo, subject, text, html, attachments, parent, sendAt);
    }

    private List<Address> addresses(String property) {
        List<Address> addresses = new ArrayList<>();
        JsonNode list = json.path(property);
        if (!list.isMissingNode() && !list.isArray()) {
            violations.add(Violation.at(property + " must be a list of objects with name and email", property));
            return addresses;
        }
        // Before each address is checked: a list may have a million.
        if (list.size() > NewMessage.RECIPIENTS_MAX) {
            violations.add(
                    Violation.at(property + " may have at most " + NewMessage.RECIPIENTS_MAX + " addresses", property));
            return addresses;
        }
        for (int i = 0; i < list.size(); i++) {
            String at = Integer.toString(i);
            JsonNode email = list.get(i).path("email");
            Optional<String> valid = email.isTextual() ? Addresses.valid(email.textValue()) : Optional.empty();
            if (valid.isEmpty()) {
                violations.add(Violation.at("not an address that mail can be sent to", property, at, "email"));
                continue;
            }
            String name = line(list.get(i).path("name"), NAME_LENGTH_MAX, property, at, "name")
                    .orElse("");
            addresses.add(new Address(name, valid.get()));
        }
        return addresses;
    }

    private Optional<String> body(String property) {
        JsonNode text = json.path(property);
        if (text.isMissingNode()) {
            return Optional.empty();
        }
        if (!text.isTextual() || text.textValue().indexOf('\0') >= 0) {
            violations.add(Violation.at(property + " must be a string without U+0000", property));
            return Optional.empty();
        }
        if (text.textValue().length() > NewMessage.OCTETS_MAX) {
            violations.add(Violation.at(property + " is too long: a message may have 10 MiB", property));
            return Optional.empty();
        }
        return Optional.of(text.textValue());
    }

    private List<Attachment> attachments() {
        List<Attachment> attachments = new ArrayList<>();
        JsonNode list = json.path("attachments");
        if (!list.isMissingNode() && !list.isArray() || list.size() > ATTACHMENTS_MAX) {
            violations.add(Violation.at(
                    "attachments must be a list of at most " + ATTACHMENTS_MAX + " objects", "attachments"));
            return attachments;
        }
        for (int i = 0; i < list.size(); i++) {
            String at = Integer.toString(i);
            JsonNode attachment = list.get(i);
            Optional<String> name = line(attachment.path("name"), NAME_LENGTH_MAX, "attachments", at, "name");
            String type = attachment.path("type").asText("application/octet-stream");
            if (type.length() > CONTENT_TYPE_LENGTH_MAX
                    || !MEDIA_TYPE.matcher(type).matches()
                    || type.regionMatches(true, 0, "multipart/", 0, 10)) {
                violations.add(Violation.at(
                        "type must be a media type such as application/pdf, and not multipart",
                        "attachments",
                        at,
                        "type"));
            }
            Optional<String> cid = Optional.ofNullable(attachment.path("cid").textValue());
            if (cid.isPresent() && !CONTENT_ID.matcher(cid.get()).matches()) {
                violations.add(
                        Violation.at("cid must be a Content-ID without angle brackets", "attachments", at, "cid"));
            }
            try {
                byte[] content =
                        Base64.getDecoder().decode(attachment.path("content").asText(""));
                attachments.add(new Attachment(name.orElse("attachment"), type, content, cid));
            } catch (IllegalArgumentException e) {
                violations.add(Violation.at("content must be base64", "attachments", at, "content"));
            }
        }
        return attachments;
    }

    private Optional<Parent> parent() {
        Optional<Parent> answered = parent("inReplyTo", Parent.ANSWERED);
        Optional<Parent> forwarded = parent("forwardOf", Parent.FORWARDED);
        if (answered.isPresent() && forwarded.isPresent()) {
            violations.add(Violation.at("give inReplyTo or forwardOf, not both", "forwardOf"));
        }
        return answered.or(() -> forwarded);
    }

    private Optional<Parent> parent(String property, String keyword) {
        JsonNode id = json.path(property);
        if (id.isMissingNode()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Parent(EmailId.of(id.asText("")), keyword));
        } catch (IllegalArgumentException e) {
            violations.add(Violation.at("not an email id", property));
            return Optional.empty();
        }
    }

    private Optional<Instant> sendAt() {
        JsonNode time = json.path("sendAt");
        if (time.isMissingNode()) {
            return Optional.empty();
        }
        try {
            Instant sendAt = OffsetDateTime.parse(time.asText("")).toInstant();
            if (sendAt.isBefore(SEND_AT_MAX)) {
                return Optional.of(sendAt);
            }
        } catch (DateTimeParseException e) {
            // Reported below, like a time that is too far away.
        }
        violations.add(Violation.at("sendAt must be a time such as 2030-01-31T08:00:00Z", "sendAt"));
        return Optional.empty();
    }

    /** A text that becomes part of a header field. */
    private Optional<String> line(JsonNode text, int lengthMax, String... path) {
        if (text.isMissingNode()) {
            return Optional.empty();
        }
        String value = text.asText("");
        if (!text.isTextual() || value.length() > lengthMax || value.chars().anyMatch(Character::isISOControl)) {
            violations.add(Violation.at(
                    "must be a string of at most " + lengthMax + " characters without control characters", path));
            return Optional.empty();
        }
        return Optional.of(value);
    }
}
