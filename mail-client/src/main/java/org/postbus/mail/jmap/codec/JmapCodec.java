package org.postbus.mail.jmap.codec;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.method.JmapFailures;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;

/**
 * Writes requests and reads responses (RFC 8620 section 3). Pure. Requests are written exactly; of each object in a
 * response, the parts that are understood are read and the rest is ignored, so one malformed email does not block the
 * others.
 */
public final class JmapCodec {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

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
                    .add(ArgumentsWriter.arguments(call.method(), accountId))
                    .add(call.id());
        }
        return json;
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
                // One call may have several responses (implicit calls): the one with its own name is the right one.
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
                        case JmapMethod.MailboxGet get -> ResultReader.getResult(arguments, ObjectReader::mailbox);
                        case JmapMethod.MailboxUpdatesGet get ->
                            ResultReader.getResult(arguments, ObjectReader::mailboxUpdate);
                        case JmapMethod.MailboxChanges changes -> ResultReader.changesResult(arguments);
                        case JmapMethod.EmailQuery query -> ResultReader.queryResult(arguments);
                        case JmapMethod.EmailGet get ->
                            ResultReader.getResult(
                                    arguments,
                                    json -> ObjectReader.email(
                                            json, get.bodyValues().isPresent()));
                        case JmapMethod.EmailStateGet get ->
                            ResultReader.getResult(arguments, ObjectReader::emailState);
                        case JmapMethod.EmailMarksGet get ->
                            ResultReader.getResult(arguments, ObjectReader::emailMarks);
                        case JmapMethod.EmailChanges changes -> ResultReader.changesResult(arguments);
                        case JmapMethod.EmailSet set -> ResultReader.setResult(arguments);
                        case JmapMethod.MailboxSet set -> ResultReader.refusal(set.change(), arguments);
                        case JmapMethod.Sending<?> sending -> SendingCodec.result(sending, arguments);
                    });
        } catch (ServerException broken) {
            return new JmapResults.Outcome.Failed(broken.failure());
        }
    }

    /** The id of an uploaded blob (RFC 8620 section 6.1). */
    public static String blobId(JsonNode answer) {
        return JsonValues.text(answer, "blobId").orElseThrow(() -> JsonValues.brokenAnswer("blobId"));
    }
}
