package org.postbus.mail.jmap.codec;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postbus.mail.BodyTexts;
import org.postbus.mail.HeaderBudget;
import org.postbus.mail.Text;
import org.postbus.mail.jmap.method.JmapEmail;
import org.postbus.mail.jmap.method.JmapEmailState;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMailboxUpdate;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.model.Email;
import org.postbus.model.EmailAddress;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailHeaders;
import org.postbus.model.MailboxRole;

/** Reads mailboxes and emails as servers describe them (RFC 8621 sections 2 and 4). */
final class ObjectReader {
    private static final int PARTS_MAX = 1000;

    private ObjectReader() {}

    static JmapEmailState emailState(JsonNode json) {
        return new JmapEmailState(
                Text.clean(json.path("id").asText()),
                JsonValues.trueKeys(json.path("mailboxIds")),
                JsonValues.keywords(json.path("keywords")));
    }

    static JmapMethod.EmailMarks emailMarks(JsonNode json) {
        return new JmapMethod.EmailMarks(
                Text.clean(json.path("id").asText()),
                JsonValues.text(json, "blobId"),
                new HeaderBudget()
                        .messageIds(JsonValues.strings(json.path("messageId"))).stream()
                                .findFirst(),
                Math.max(0, json.path("size").asLong(0)),
                JsonValues.instant(json.path("receivedAt").asText("")));
    }

    static JmapMailbox mailbox(JsonNode json) {
        return new JmapMailbox(
                Text.clean(json.path("id").asText()),
                Text.clean(json.path("name").asText("")),
                JsonValues.text(json, "parentId"),
                JsonValues.text(json, "role").flatMap(MailboxRole::find),
                json.path("sortOrder").asLong(0),
                Math.max(0, json.path("totalEmails").asLong(0)),
                Math.max(0, json.path("unreadEmails").asLong(0)),
                json.path("isSubscribed").asBoolean(true),
                json.path("myRights").path("mayReadItems").asBoolean(true));
    }

    /** Every mailbox has a name: without one the object is a partial update. */
    static JmapMailboxUpdate mailboxUpdate(JsonNode json) {
        return json.has("name")
                ? new JmapMailboxUpdate.Whole(mailbox(json))
                : new JmapMailboxUpdate.Counts(
                        Text.clean(json.path("id").asText()),
                        JsonValues.count(json, "totalEmails"),
                        JsonValues.count(json, "unreadEmails"));
    }

    static JmapEmail email(JsonNode json, boolean withBody) {
        EmailHeaders headers = headers(json);
        return new JmapEmail(
                Text.clean(json.path("id").asText()),
                JsonValues.text(json, "blobId"),
                JsonValues.text(json, "threadId"),
                JsonValues.trueKeys(json.path("mailboxIds")),
                JsonValues.keywords(json.path("keywords")),
                Math.max(0, json.path("size").asLong(0)),
                JsonValues.instant(json.path("receivedAt").asText(""))
                        .or(() -> headers.sentAt().flatMap(JsonValues::instant))
                        .orElse(Instant.EPOCH),
                headers,
                json.path("hasAttachment").asBoolean(false),
                Text.cut(Text.clean(json.path("preview").asText("")), Email.PREVIEW_LENGTH_MAX),
                withBody ? Optional.of(body(json)) : Optional.empty());
    }

    private static EmailHeaders headers(JsonNode json) {
        var budget = new HeaderBudget();
        return new EmailHeaders(
                budget.messageIds(JsonValues.strings(json.path("messageId"))),
                budget.messageIds(JsonValues.strings(json.path("inReplyTo"))),
                budget.messageIds(JsonValues.strings(json.path("references"))),
                budget.addresses(addresses(json.path("sender"))),
                budget.addresses(addresses(json.path("from"))),
                budget.addresses(addresses(json.path("to"))),
                budget.addresses(addresses(json.path("cc"))),
                budget.addresses(addresses(json.path("bcc"))),
                budget.addresses(addresses(json.path("replyTo"))),
                budget.subject(JsonValues.text(json, "subject")),
                HeaderBudget.sentAt(JsonValues.text(json, "sentAt")));
    }

    private static List<EmailAddress> addresses(JsonNode json) {
        List<EmailAddress> addresses = new ArrayList<>();
        for (JsonNode address : json) {
            addresses.add(new EmailAddress(
                    JsonValues.text(address, "name"),
                    JsonValues.text(address, "email").orElse("")));
        }
        return addresses;
    }

    private static EmailBody body(JsonNode json) {
        List<EmailBodyPart> textBody = parts(json.path("textBody"));
        List<EmailBodyPart> htmlBody = parts(json.path("htmlBody"));
        var texts = new BodyTexts(EmailBody.TEXT_BYTES_MAX);
        JsonNode values = json.path("bodyValues");
        for (List<EmailBodyPart> list : List.of(textBody, htmlBody)) {
            for (EmailBodyPart part : list) {
                JsonNode value = values.path(part.partId());
                if (value.path("value").isTextual()) {
                    texts.add(
                            part.partId(),
                            value.path("value").textValue(),
                            value.path("isEncodingProblem").asBoolean(false),
                            value.path("isTruncated").asBoolean(false));
                }
            }
        }
        return new EmailBody(textBody, htmlBody, parts(json.path("attachments")), texts.values());
    }

    private static List<EmailBodyPart> parts(JsonNode json) {
        List<EmailBodyPart> parts = new ArrayList<>();
        for (JsonNode part : json) {
            Optional<String> id = JsonValues.text(part, "partId").or(() -> JsonValues.text(part, "blobId"));
            if (id.isPresent() && parts.size() < PARTS_MAX) {
                parts.add(new EmailBodyPart(
                        id.get(),
                        JsonValues.text(part, "blobId"),
                        Math.max(0, part.path("size").asLong(0)),
                        JsonValues.text(part, "name").map(name -> Text.cut(name, 255)),
                        JsonValues.text(part, "type")
                                .map(type -> Text.cut(type, 255))
                                .orElse("application/octet-stream"),
                        JsonValues.text(part, "charset").map(charset -> Text.cut(charset, 255)),
                        JsonValues.text(part, "disposition").map(disposition -> Text.cut(disposition, 255)),
                        JsonValues.text(part, "cid").map(cid -> Text.cut(cid, 998))));
            }
        }
        return parts;
    }
}
