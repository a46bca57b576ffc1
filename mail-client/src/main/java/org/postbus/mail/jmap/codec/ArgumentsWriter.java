package org.postbus.mail.jmap.codec;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.TreeMap;
import org.postbus.mail.jmap.method.JmapMethod;

/** Writes the arguments of method calls. */
final class ArgumentsWriter {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    static final String CREATION_ID = "m";
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

    private ArgumentsWriter() {}

    static ObjectNode arguments(JmapMethod<?> method, String accountId) {
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

    static ObjectNode write(JmapMethod.EmailPatch patch) {
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
}
