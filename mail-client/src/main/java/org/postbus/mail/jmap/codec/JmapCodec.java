package org.postbus.mail.jmap.codec;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.postbus.mail.BodyTexts;
import org.postbus.mail.HeaderBudget;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.Text;
import org.postbus.mail.jmap.method.JmapEmail;
import org.postbus.mail.jmap.method.JmapEmailState;
import org.postbus.mail.jmap.method.JmapFailures;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMailboxUpdate;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.mail.jmap.method.SetError;
import org.postbus.model.Email;
import org.postbus.model.EmailAddress;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailHeaders;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxRole;

/**
 * Writes requests and reads responses (RFC 8620 section 3): pure. Writing is exact; reading takes what it understands of
 * each object and leaves the rest, so that one odd email does not hold up the others.
 */
public final class JmapCodec {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final int PARTS_MAX = 1000;

    private static final List<String> EMAIL_STATE = List.of("id", "mailboxIds", "keywords");
    private static final List<String> EMAIL_METADATA = List.of(
            "id",
            "blobId",
            "threadId",
            "mailboxIds",
            "keywords",
            "size",
            "receivedAt",
            "messageId",
            "inReplyTo",
            "references",
            "sender",
            "from",
            "to",
            "cc",
            "bcc",
            "replyTo",
            "subject",
            "sentAt",
            "hasAttachment",
            "preview");
    private static final List<String> EMAIL_BODY = List.of("textBody", "htmlBody", "attachments", "bodyValues");
    private static final List<String> BODY_PART =
            List.of("partId", "blobId", "size", "name", "type", "charset", "disposition", "cid");

    private static final String CREATION_ID = "m";

    private JmapCodec() {}

    public static ObjectNode write(JmapRequest request, String accountId) {
        ObjectNode json = JSON.objectNode();
        ArrayNode using = json.putArray("using").add(JmapSession.CORE).add(JmapSession.MAIL);
        if (request.calls().stream()
                .anyMatch(call -> call.method() instanceof JmapMethod.Sending<?> sending
                        && SendingCodec.needsSubmission(sending))) {
            using.add(JmapSession.SUBMISSION);
        }
        ArrayNode calls = json.putArray("methodCalls");
        for (JmapRequest.Call<?> call : request.calls()) {
            calls.addArray()
                    .add(call.method().name())
                    .add(arguments(call.method(), accountId))
                    .add(call.id());
        }
        return json;
    }

    private static ObjectNode arguments(JmapMethod<?> method, String accountId) {
        ObjectNode arguments = JSON.objectNode().put("accountId", accountId);
        switch (method) {
            case JmapMethod.MailboxGet(var ids) -> putIds(arguments, ids);
            case JmapMethod.MailboxUpdatesGet(var ids, var properties) -> {
                putIds(arguments, ids);
                putReference(arguments, "#properties", properties);
            }
            case JmapMethod.MailboxChanges(var since, var max) ->
                arguments.put("sinceState", since).put("maxChanges", max);
            case JmapMethod.EmailQuery(var start, var limit) -> {
                arguments
                        .putArray("sort")
                        .addObject()
                        .put("property", "receivedAt")
                        .put("isAscending", false);
                switch (start) {
                    case JmapMethod.QueryStart.Position(var position) -> arguments.put("position", position);
                    case JmapMethod.QueryStart.After(var emailId) ->
                        arguments.put("anchor", emailId).put("anchorOffset", 1);
                }
                arguments.put("limit", limit);
            }
            case JmapMethod.EmailGet(var ids, var bodyValues) -> {
                putIds(arguments, ids);
                ArrayNode properties = putAll(arguments.putArray("properties"), EMAIL_METADATA);
                bodyValues.ifPresent(values -> {
                    putAll(properties, EMAIL_BODY);
                    putAll(arguments.putArray("bodyProperties"), BODY_PART);
                    arguments
                            .put("fetchTextBodyValues", values.text())
                            .put("fetchHTMLBodyValues", values.html())
                            .put("maxBodyValueBytes", values.bytesMax());
                });
            }
            case JmapMethod.EmailStateGet(var ids) -> {
                putIds(arguments, ids);
                putAll(arguments.putArray("properties"), EMAIL_STATE);
            }
            case JmapMethod.EmailMarksGet(var ids) -> {
                putIds(arguments, ids);
                putAll(arguments.putArray("properties"), List.of("id", "blobId", "messageId", "size", "receivedAt"));
            }
            case JmapMethod.EmailChanges(var since, var max) ->
                arguments.put("sinceState", since).put("maxChanges", max);
            case JmapMethod.EmailSet(var update, var destroy, var ifInState) -> {
                ifInState.ifPresent(state -> arguments.put("ifInState", state));
                if (!update.isEmpty()) {
                    ObjectNode updates = arguments.putObject("update");
                    new TreeMap<>(update).forEach((id, patch) -> updates.set(id, write(patch)));
                }
                if (!destroy.isEmpty()) {
                    putAll(arguments.putArray("destroy"), destroy);
                }
            }
            case JmapMethod.MailboxSet(var change, var ifInState) -> {
                ifInState.ifPresent(state -> arguments.put("ifInState", state));
                put(arguments, change);
            }
            case JmapMethod.Sending<?> sending -> SendingCodec.putArguments(arguments, sending);
        }
        return arguments;
    }

    private static void put(ObjectNode arguments, JmapMethod.MailboxChange change) {
        switch (change) {
            case JmapMethod.MailboxChange.Create(var name, var parentId) ->
                arguments
                        .putObject("create")
                        .putObject(CREATION_ID)
                        .put("name", name)
                        .put("parentId", parentId.orElse(null));
            case JmapMethod.MailboxChange.Update(var id, var name, var parentId) -> {
                ObjectNode patch = arguments.putObject("update").putObject(id);
                name.ifPresent(text -> patch.put("name", text));
                parentId.ifPresent(parent -> patch.put("parentId", parent.orElse(null)));
            }
            case JmapMethod.MailboxChange.Destroy(var id, var removeEmails) -> {
                arguments.putArray("destroy").add(id);
                arguments.put("onDestroyRemoveEmails", removeEmails);
            }
        }
    }

    public static ObjectNode write(JmapMethod.EmailPatch patch) {
        ObjectNode json = JSON.objectNode();
        new TreeMap<>(patch.keywords())
                .forEach((keyword, set) -> putFlag(json, "keywords/" + escape(keyword.value()), set));
        new TreeMap<>(patch.mailboxIds()).forEach((id, set) -> putFlag(json, "mailboxIds/" + escape(id), set));
        return json;
    }

    private static void putFlag(ObjectNode json, String pointer, boolean set) {
        json.set(pointer, set ? JSON.booleanNode(true) : JSON.nullNode());
    }

    /** RFC 6901 section 3. */
    private static String escape(String segment) {
        return segment.replace("~", "~0").replace("/", "~1");
    }

    static void putIds(ObjectNode arguments, JmapMethod.Ids ids) {
        switch (ids) {
            case JmapMethod.Ids.All all -> arguments.putNull("ids");
            case JmapMethod.Ids.These(var these) -> putAll(arguments.putArray("ids"), these);
            case JmapMethod.Ids.ResultOf(var reference) -> putReference(arguments, "#ids", reference);
        }
    }

    private static void putReference(ObjectNode arguments, String name, JmapMethod.ResultReference reference) {
        arguments
                .putObject(name)
                .put("resultOf", reference.resultOf())
                .put("name", reference.name())
                .put("path", reference.path());
    }

    static ArrayNode putAll(ArrayNode array, List<String> values) {
        values.forEach(array::add);
        return array;
    }

    /** @throws ServerException {@link ServerFailure.Unreachable} if this is no JMAP response */
    public static JmapResults read(JmapRequest request, JsonNode response) {
        JsonNode responses = response.path("methodResponses");
        if (!responses.isArray()) {
            throw new ServerException(new ServerFailure.Unreachable("the answer is not a JMAP response"));
        }
        Map<String, JmapResults.Outcome> outcomes = new LinkedHashMap<>();
        for (JmapRequest.Call<?> call : request.calls()) {
            String name = call.method().name();
            for (JsonNode entry : responses) {
                String answered = entry.path(0).asText();
                // One call may be answered more than once (implicit calls): by the name, this is ours.
                if (entry.path(2).asText().equals(call.id()) && (answered.equals(name) || answered.equals("error"))) {
                    outcomes.put(call.id(), outcome(call.method(), answered, entry.path(1)));
                    break;
                }
            }
        }
        return new JmapResults(outcomes, response.path("sessionState").asText(""));
    }

    private static JmapResults.Outcome outcome(JmapMethod<?> method, String answered, JsonNode arguments) {
        if (answered.equals("error")) {
            return new JmapResults.Outcome.Failed(JmapFailures.ofMethodError(
                    method.name(),
                    arguments.path("type").asText("serverFail"),
                    arguments.path("description").asText("")));
        }
        try {
            return new JmapResults.Outcome.Done(
                    switch (method) {
                        case JmapMethod.MailboxGet get -> getResult(arguments, JmapCodec::mailbox);
                        case JmapMethod.MailboxUpdatesGet get -> getResult(arguments, JmapCodec::mailboxUpdate);
                        case JmapMethod.MailboxChanges changes -> changesResult(arguments);
                        case JmapMethod.EmailQuery query -> queryResult(arguments);
                        case JmapMethod.EmailGet get ->
                            getResult(
                                    arguments,
                                    json -> email(json, get.bodyValues().isPresent()));
                        case JmapMethod.EmailStateGet get ->
                            getResult(
                                    arguments,
                                    json -> new JmapEmailState(
                                            Text.clean(json.path("id").asText()),
                                            trueKeys(json.path("mailboxIds")),
                                            keywords(json.path("keywords"))));
                        case JmapMethod.EmailMarksGet get ->
                            getResult(
                                    arguments,
                                    json -> new JmapMethod.EmailMarks(
                                            Text.clean(json.path("id").asText()),
                                            text(json, "blobId"),
                                            new HeaderBudget()
                                                    .messageIds(strings(json.path("messageId"))).stream()
                                                            .findFirst(),
                                            Math.max(0, json.path("size").asLong(0)),
                                            instant(json.path("receivedAt").asText(""))));
                        case JmapMethod.EmailChanges changes -> changesResult(arguments);
                        case JmapMethod.EmailSet set -> setResult(arguments);
                        case JmapMethod.MailboxSet set -> refusal(set.change(), arguments);
                        case JmapMethod.Sending<?> sending -> SendingCodec.result(sending, arguments);
                    });
        } catch (ServerException broken) {
            return new JmapResults.Outcome.Failed(broken.failure());
        }
    }

    public static <T> JmapMethod.GetResult<T> getResult(JsonNode json, Function<JsonNode, T> read) {
        List<T> list = new ArrayList<>();
        for (JsonNode object : json.path("list")) {
            // An object without an id is nothing that could be kept or asked for again.
            if (!object.path("id").asText("").isEmpty()) {
                list.add(read.apply(object));
            }
        }
        return new JmapMethod.GetResult<>(required(json, "state"), list, strings(json.path("notFound")));
    }

    private static JmapMethod.ChangesResult changesResult(JsonNode json) {
        JsonNode properties = json.path("updatedProperties");
        return new JmapMethod.ChangesResult(
                json.path("oldState").asText(""),
                required(json, "newState"),
                json.path("hasMoreChanges").asBoolean(false),
                strings(json.path("created")),
                strings(json.path("updated")),
                strings(json.path("destroyed")),
                properties.isArray() ? Optional.of(strings(properties)) : Optional.empty());
    }

    static JmapMethod.QueryResult queryResult(JsonNode json) {
        if (!json.path("ids").isArray()) {
            throw brokenAnswer("ids");
        }
        return new JmapMethod.QueryResult(
                json.path("queryState").asText(""),
                json.path("canCalculateChanges").asBoolean(false),
                json.path("position").asLong(0),
                strings(json.path("ids")));
    }

    private static Optional<SetError> refusal(JmapMethod.MailboxChange change, JsonNode json) {
        record Told(boolean done, Map<String, SetError> errors) {}
        Told told =
                switch (change) {
                    case JmapMethod.MailboxChange.Create create ->
                        new Told(json.path("created").hasNonNull(CREATION_ID), setErrors(json.path("notCreated")));
                    case JmapMethod.MailboxChange.Update update ->
                        new Told(
                                keysOrStrings(json.path("updated")).contains(update.id()),
                                setErrors(json.path("notUpdated")));
                    case JmapMethod.MailboxChange.Destroy destroy ->
                        new Told(
                                keysOrStrings(json.path("destroyed")).contains(destroy.id()),
                                setErrors(json.path("notDestroyed")));
                };
        if (!told.done() && told.errors().isEmpty()) {
            throw brokenAnswer("what became of the mailbox");
        }
        return told.errors().values().stream().findFirst();
    }

    private static JmapMethod.SetResult setResult(JsonNode json) {
        return new JmapMethod.SetResult(
                text(json, "oldState"),
                text(json, "newState"),
                keysOrStrings(json.path("updated")),
                keysOrStrings(json.path("destroyed")),
                setErrors(json.path("notUpdated")),
                setErrors(json.path("notDestroyed")));
    }

    static Map<String, SetError> setErrors(JsonNode json) {
        Map<String, SetError> errors = new LinkedHashMap<>();
        json.fields()
                .forEachRemaining(entry -> errors.put(
                        entry.getKey(),
                        new SetError(
                                entry.getValue().path("type").asText("serverFail"),
                                JmapFailures.cut(
                                        entry.getValue().path("description").asText("")),
                                strings(entry.getValue().path("properties")))));
        return errors;
    }

    private static JmapMailbox mailbox(JsonNode json) {
        return new JmapMailbox(
                Text.clean(json.path("id").asText()),
                Text.clean(json.path("name").asText("")),
                text(json, "parentId"),
                text(json, "role").flatMap(MailboxRole::find),
                json.path("sortOrder").asLong(0),
                Math.max(0, json.path("totalEmails").asLong(0)),
                Math.max(0, json.path("unreadEmails").asLong(0)),
                json.path("isSubscribed").asBoolean(true),
                json.path("myRights").path("mayReadItems").asBoolean(true));
    }

    /** Every mailbox has a name: without one this is a part of it. */
    private static JmapMailboxUpdate mailboxUpdate(JsonNode json) {
        return json.has("name")
                ? new JmapMailboxUpdate.Whole(mailbox(json))
                : new JmapMailboxUpdate.Counts(
                        Text.clean(json.path("id").asText()), count(json, "totalEmails"), count(json, "unreadEmails"));
    }

    private static Optional<Long> count(JsonNode json, String name) {
        JsonNode value = json.path(name);
        return value.isNumber() ? Optional.of(Math.max(0, value.asLong())) : Optional.empty();
    }

    private static JmapEmail email(JsonNode json, boolean withBody) {
        EmailHeaders headers = headers(json);
        return new JmapEmail(
                Text.clean(json.path("id").asText()),
                text(json, "blobId"),
                text(json, "threadId"),
                trueKeys(json.path("mailboxIds")),
                keywords(json.path("keywords")),
                Math.max(0, json.path("size").asLong(0)),
                instant(json.path("receivedAt").asText(""))
                        .or(() -> headers.sentAt().flatMap(JmapCodec::instant))
                        .orElse(Instant.EPOCH),
                headers,
                json.path("hasAttachment").asBoolean(false),
                Text.cut(Text.clean(json.path("preview").asText("")), Email.PREVIEW_LENGTH_MAX),
                withBody ? Optional.of(body(json)) : Optional.empty());
    }

    private static EmailHeaders headers(JsonNode json) {
        var budget = new HeaderBudget();
        return new EmailHeaders(
                budget.messageIds(strings(json.path("messageId"))),
                budget.messageIds(strings(json.path("inReplyTo"))),
                budget.messageIds(strings(json.path("references"))),
                budget.addresses(addresses(json.path("sender"))),
                budget.addresses(addresses(json.path("from"))),
                budget.addresses(addresses(json.path("to"))),
                budget.addresses(addresses(json.path("cc"))),
                budget.addresses(addresses(json.path("bcc"))),
                budget.addresses(addresses(json.path("replyTo"))),
                budget.subject(text(json, "subject")),
                HeaderBudget.sentAt(text(json, "sentAt")));
    }

    private static List<EmailAddress> addresses(JsonNode json) {
        List<EmailAddress> addresses = new ArrayList<>();
        for (JsonNode address : json) {
            addresses.add(new EmailAddress(
                    text(address, "name"), text(address, "email").orElse("")));
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
            Optional<String> id = text(part, "partId").or(() -> text(part, "blobId"));
            if (id.isPresent() && parts.size() < PARTS_MAX) {
                parts.add(new EmailBodyPart(
                        id.get(),
                        text(part, "blobId"),
                        Math.max(0, part.path("size").asLong(0)),
                        text(part, "name").map(name -> Text.cut(name, 255)),
                        text(part, "type").map(type -> Text.cut(type, 255)).orElse("application/octet-stream"),
                        text(part, "charset").map(charset -> Text.cut(charset, 255)),
                        text(part, "disposition").map(disposition -> Text.cut(disposition, 255)),
                        text(part, "cid").map(cid -> Text.cut(cid, 998))));
            }
        }
        return parts;
    }

    static Set<Keyword> keywords(JsonNode json) {
        Set<Keyword> keywords = new LinkedHashSet<>();
        for (String name : trueKeys(json)) {
            if (Keyword.isValid(name)) {
                keywords.add(Keyword.of(name));
            }
        }
        return keywords;
    }

    static Set<String> trueKeys(JsonNode json) {
        Set<String> keys = new LinkedHashSet<>();
        json.fields().forEachRemaining(entry -> {
            if (entry.getValue().asBoolean(false)) {
                keys.add(Text.clean(entry.getKey()));
            }
        });
        return keys;
    }

    private static List<String> keysOrStrings(JsonNode json) {
        if (!json.isObject()) {
            return strings(json);
        }
        List<String> keys = new ArrayList<>();
        json.fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    static List<String> strings(JsonNode json) {
        if (!json.isArray()) {
            return json.isTextual() ? List.of(Text.clean(json.textValue())) : Collections.emptyList();
        }
        List<String> strings = new ArrayList<>(json.size());
        for (JsonNode value : json) {
            if (value.isTextual()) {
                strings.add(Text.clean(value.textValue()));
            }
        }
        return strings;
    }

    private static Optional<Instant> instant(String text) {
        try {
            return text.isEmpty()
                    ? Optional.empty()
                    : Optional.of(OffsetDateTime.parse(text).toInstant());
        } catch (DateTimeParseException notADate) {
            return Optional.empty();
        }
    }

    public static Optional<String> text(JsonNode json, String name) {
        JsonNode value = json.path(name);
        return value.isTextual() && !value.textValue().isEmpty()
                ? Optional.of(Text.clean(value.textValue()))
                : Optional.empty();
    }

    private static String required(JsonNode json, String name) {
        return text(json, name).orElseThrow(() -> brokenAnswer(name));
    }

    public static ServerException brokenAnswer(String missing) {
        return new ServerException(new ServerFailure.Unreachable("the server's answer lacks " + missing));
    }
}
