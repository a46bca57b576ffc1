package org.postbus.mail.jmap.fake;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.http.HttpServerRequest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The part of {@link FakeJmapServer} for submission (RFC 8621 sections 6 and 7). An accepted message counts as
 * delivered, whatever the answer is. Thread-safe with the lock of the server.
 */
public final class FakeSubmissions {
    public static final String DRAFTS = "drafts-id";
    public static final String SENT = "sent-id";
    static final Map<String, Set<String>> ARGUMENTS = Map.of(
            "Identity/get", Set.of("accountId", "ids"),
            "Email/import", Set.of("accountId", "emails"),
            "EmailSubmission/set", Set.of("accountId", "create", "onSuccessUpdateEmail"),
            "EmailSubmission/query", Set.of("accountId", "filter"),
            "EmailSubmission/get", Set.of("accountId", "ids", "properties"));

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final FakeJmapServer server;
    private final Map<String, String> identities = new LinkedHashMap<>(Map.of("identity-1", FakeJmapServer.USER));
    private final List<Delivered> delivered = new ArrayList<>();
    private final Map<String, ObjectNode> submissions = new LinkedHashMap<>();
    private final Map<String, String> bounces = new HashMap<>();
    private final Deque<ObjectNode> refusals = new ArrayDeque<>();
    private final Deque<Consumer<HttpServerRequest>> insteadOfSending = new ArrayDeque<>();
    private boolean cut;
    private boolean reports = true;
    private boolean files = true;

    /** @param content as it was uploaded */
    public record Delivered(String mailFrom, List<String> recipients, String content) {}

    FakeSubmissions(FakeJmapServer server) {
        this.server = server;
    }

    public List<Delivered> delivered() {
        synchronized (server) {
            return List.copyOf(delivered);
        }
    }

    /** Replaces the only identity. */
    public void identity(String id, String email) {
        synchronized (server) {
            identities.clear();
            identities.put(id, email);
        }
    }

    /** The next submission is refused with this SetError. */
    public void refuse(Consumer<ObjectNode> error) {
        synchronized (server) {
            ObjectNode refusal = JSON.objectNode();
            error.accept(refusal);
            refusals.add(refusal);
        }
    }

    /** Answers the next submission with this, and nothing is sent. */
    public void insteadOfSending(Consumer<HttpServerRequest> answer) {
        synchronized (server) {
            insteadOfSending.add(answer);
        }
    }

    /** Executes the next submission and closes the connection before the answer. */
    public void cut() {
        synchronized (server) {
            cut = true;
        }
    }

    /** Knows neither EmailSubmission/query nor EmailSubmission/get, as James. */
    public void reportNothing() {
        synchronized (server) {
            reports = false;
        }
    }

    /** Ignores {@code onSuccessUpdateEmail}. */
    public void fileNothing() {
        synchronized (server) {
            files = false;
        }
    }

    /** Mail for this recipient is accepted and cannot be delivered later. */
    public void bounce(String recipient, String smtpReply) {
        synchronized (server) {
            bounces.put(recipient, smtpReply);
        }
    }

    /** @return whether the request has been answered */
    boolean answers(HttpServerRequest request, JsonNode json) {
        if (!sends(json) || insteadOfSending.isEmpty()) {
            return false;
        }
        insteadOfSending.poll().accept(request);
        return true;
    }

    /** @return whether the connection is closed now, before the answer */
    boolean cuts(JsonNode json) {
        boolean now = cut && sends(json);
        cut &= !now;
        return now;
    }

    private static boolean sends(JsonNode json) {
        for (JsonNode call : json.path("methodCalls")) {
            if (call.path(0).asText().equals("EmailSubmission/set")) {
                return true;
            }
        }
        return false;
    }

    /** @param responses an implicit Email/set is added to (RFC 8621 section 7.5) */
    ObjectNode method(String name, ObjectNode arguments, ArrayNode responses, String callId) {
        return switch (name) {
            case "Identity/get" -> identities();
            case "Email/import" -> importEmail(arguments);
            case "EmailSubmission/set" -> set(arguments, responses, callId);
            case "EmailSubmission/query" -> reports ? query(arguments) : FakeJmapServer.error("unknownMethod");
            default -> reports ? get(arguments) : FakeJmapServer.error("unknownMethod");
        };
    }

    private ObjectNode identities() {
        ObjectNode result = FakeJmapServer.result().put("state", "1");
        ArrayNode list = result.putArray("list");
        identities.forEach(
                (id, email) -> list.addObject().put("id", id).put("name", "").put("email", email));
        result.putArray("notFound");
        return result;
    }

    private ObjectNode importEmail(ObjectNode arguments) {
        ObjectNode result = FakeJmapServer.result().put("newState", "1");
        arguments.path("emails").fields().forEachRemaining(entry -> {
            Optional<String> id = server.importEmail((ObjectNode) entry.getValue());
            if (id.isPresent()) {
                result.withObject("/created").putObject(entry.getKey()).put("id", id.get());
            } else {
                result.withObject("/notCreated").putObject(entry.getKey()).put("type", "invalidProperties");
            }
        });
        return result;
    }

    private ObjectNode set(ObjectNode arguments, ArrayNode responses, String callId) {
        ObjectNode result = FakeJmapServer.result().put("newState", "1");
        arguments.path("create").fields().forEachRemaining(entry -> {
            Optional<ObjectNode> refusal = refusal(entry.getValue());
            if (refusal.isPresent()) {
                result.withObject("/notCreated").set(entry.getKey(), refusal.get());
                return;
            }
            JsonNode submission = entry.getValue();
            String emailId = submission.path("emailId").asText();
            List<String> recipients = new ArrayList<>();
            submission
                    .at("/envelope/rcptTo")
                    .forEach(to -> recipients.add(to.path("email").asText()));
            delivered.add(new Delivered(
                    submission.at("/envelope/mailFrom/email").asText(), recipients, server.content(emailId)));
            String id = "submission-" + delivered.size();
            ObjectNode kept = JSON.objectNode().put("id", id).put("emailId", emailId);
            kept.put("undoStatus", "final");
            ObjectNode status = kept.putObject("deliveryStatus");
            recipients.forEach(recipient -> status.putObject(recipient)
                    .put("delivered", bounces.containsKey(recipient) ? "no" : "queued")
                    .put("smtpReply", bounces.getOrDefault(recipient, "250 2.0.0 OK")));
            submissions.put(id, kept);
            result.withObject("/created").putObject(entry.getKey()).put("id", id);
            JsonNode patch = arguments.path("onSuccessUpdateEmail").path("#" + entry.getKey());
            if (files && patch.isObject()) {
                ObjectNode implicit = JSON.objectNode();
                implicit.putObject("update").set(emailId, patch);
                responses.addArray().add("Email/set").add(server.set(implicit)).add(callId);
            }
        });
        return result;
    }

    private Optional<ObjectNode> refusal(JsonNode submission) {
        if (!refusals.isEmpty()) {
            return Optional.of(refusals.poll());
        }
        if (!identities.containsKey(submission.path("identityId").asText())
                || server.email(submission.path("emailId").asText()).isEmpty()
                || submission.at("/envelope/rcptTo").isEmpty()) {
            return Optional.of(JSON.objectNode().put("type", "invalidProperties"));
        }
        return Optional.empty();
    }

    private ObjectNode query(ObjectNode arguments) {
        JsonNode emailId = arguments.at("/filter/emailIds/0");
        ObjectNode result = FakeJmapServer.result().put("queryState", "1").put("position", 0);
        ArrayNode ids = result.putArray("ids");
        submissions.forEach((id, submission) -> {
            if (submission.path("emailId").equals(emailId)) {
                ids.add(id);
            }
        });
        return result;
    }

    private ObjectNode get(ObjectNode arguments) {
        ObjectNode result = FakeJmapServer.result().put("state", "1");
        ArrayNode list = result.putArray("list");
        arguments.path("ids").forEach(id -> list.add(submissions.get(id.asText())));
        result.putArray("notFound");
        return result;
    }
}
