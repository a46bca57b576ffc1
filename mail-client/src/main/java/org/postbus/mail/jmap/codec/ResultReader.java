package org.postbus.mail.jmap.codec;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.postbus.mail.jmap.method.JmapFailures;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.jmap.method.SetError;

/** Reads the results of method calls (RFC 8620 section 5). */
final class ResultReader {
    private static final int ID_LENGTH_MAX = 255;

    private ResultReader() {}

    static <T> JmapMethod.GetResult<T> getResult(JsonNode json, Function<JsonNode, T> read) {
        List<T> list = new ArrayList<>();
        for (JsonNode object : json.path("list")) {
            // An object without an id can neither be stored nor asked for again.
            if (isId(object.path("id").asText(""))) {
                list.add(read.apply(object));
            }
        }
        return new JmapMethod.GetResult<>(
                JsonValues.required(json, "state"), list, JsonValues.strings(json.path("notFound")));
    }

    /** RFC 8620 section 1.2. */
    static boolean isId(String id) {
        return !id.isEmpty() && id.length() <= ID_LENGTH_MAX;
    }

    private static List<String> ids(JsonNode json) {
        return JsonValues.strings(json).stream().filter(ResultReader::isId).toList();
    }

    static JmapMethod.ChangesResult changesResult(JsonNode json) {
        JsonNode properties = json.path("updatedProperties");
        return new JmapMethod.ChangesResult(
                json.path("oldState").asText(""),
                JsonValues.required(json, "newState"),
                json.path("hasMoreChanges").asBoolean(false),
                ids(json.path("created")),
                ids(json.path("updated")),
                ids(json.path("destroyed")),
                properties.isArray() ? Optional.of(JsonValues.strings(properties)) : Optional.empty());
    }

    static JmapMethod.QueryResult queryResult(JsonNode json) {
        if (!json.path("ids").isArray()) {
            throw JsonValues.brokenAnswer("ids");
        }
        return new JmapMethod.QueryResult(
                json.path("queryState").asText(""),
                json.path("canCalculateChanges").asBoolean(false),
                json.path("position").asLong(0),
                ids(json.path("ids")));
    }

    static Optional<SetError> refusal(JmapMethod.MailboxChange change, JsonNode json) {
        record Result(boolean done, Map<String, SetError> errors) {}
        Result result =
                switch (change) {
                    case JmapMethod.MailboxChange.Create create ->
                        new Result(
                                json.path("created").hasNonNull(ArgumentsWriter.CREATION_ID),
                                setErrors(json.path("notCreated")));
                    case JmapMethod.MailboxChange.Update update ->
                        new Result(
                                JsonValues.keysOrStrings(json.path("updated")).contains(update.id()),
                                setErrors(json.path("notUpdated")));
                    case JmapMethod.MailboxChange.Destroy destroy ->
                        new Result(
                                JsonValues.keysOrStrings(json.path("destroyed")).contains(destroy.id()),
                                setErrors(json.path("notDestroyed")));
                };
        if (!result.done() && result.errors().isEmpty()) {
            throw JsonValues.brokenAnswer("what became of the mailbox");
        }
        return result.errors().values().stream().findFirst();
    }

    static JmapMethod.SetResult setResult(JsonNode json) {
        return new JmapMethod.SetResult(
                JsonValues.text(json, "oldState"),
                JsonValues.text(json, "newState"),
                JsonValues.keysOrStrings(json.path("updated")),
                JsonValues.keysOrStrings(json.path("destroyed")),
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
                                JsonValues.strings(entry.getValue().path("properties")))));
        return errors;
    }
}
