package org.postbus.mail.jmap.fake;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.ServerWebSocket;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.StreamSupport;
import org.postbus.codec.EventCodec;
import org.postbus.mail.jmap.codec.JmapSession;

/**
 * A JMAP server (RFC 8620, RFC 8621) over real HTTP with one account in memory, for behaviour that real servers do not
 * show on request: faults, malformed answers, anchors. It is strict: a request that a conforming server could refuse
 * is answered with 400 or a method error and kept in {@link #complaints()}; a test ends by asserting that there are
 * none. {@link #next} replaces the answer to one request. Thread-safe.
 */
public final class FakeJmapServer implements AutoCloseable {
    public static final String USER = "bob@example.com";
    public static final String PASSWORD = "s3cret";
    public static final String ACCOUNT = "A1";

    /** The arguments that each method accepts; anything else is an error of the client. */
    private static final Map<String, Set<String>> ARGUMENTS = Map.of(
            "Mailbox/get", Set.of("accountId", "ids", "properties"),
            "Mailbox/changes", Set.of("accountId", "sinceState", "maxChanges"),
            "Email/query", Set.of("accountId", "filter", "sort", "position", "anchor", "anchorOffset", "limit"),
            "Email/get",
                    Set.of(
                            "accountId",
                            "ids",
                            "properties",
                            "bodyProperties",
                            "fetchTextBodyValues",
                            "fetchHTMLBodyValues",
                            "maxBodyValueBytes"),
            "Email/changes", Set.of("accountId", "sinceState", "maxChanges"),
            "Email/set", Set.of("accountId", "ifInState", "create", "update", "destroy"),
            "Mailbox/set", Set.of("accountId", "ifInState", "create", "update", "destroy", "onDestroyRemoveEmails"));
    /** The properties of a mailbox that change when an email is added or removed. */
    private static final Set<String> COUNTS = Set.of("totalEmails", "unreadEmails");

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final HttpServer http;
    private final Map<String, ObjectNode> mailboxes = new LinkedHashMap<>();
    private final Map<String, Buffer> blobs = new HashMap<>();
    private final FakeEmails emails = new FakeEmails(blobs);
    private final List<Change> changes = new ArrayList<>();
    private final List<JsonNode> requests = new ArrayList<>();
    private final List<String> complaints = new ArrayList<>();
    private final Map<String, Deque<Consumer<HttpServerRequest>>> next = new HashMap<>();
    private final List<HttpServerResponse> listeners = new ArrayList<>();
    private final List<ServerWebSocket> webSockets = new ArrayList<>();
    private final List<String> enabled = new ArrayList<>();
    private final FakeSubmissions submissions = new FakeSubmissions(this);
    private Consumer<JsonNode> requestUse = requests::add;
    private ObjectNode session;
    private boolean anchorSupported = true;
    private boolean referencesSupported = true;
    private int forgottenBefore;
    private int pageMax = Integer.MAX_VALUE;
    private int getMax = Integer.MAX_VALUE;
    private Set<String> refused = Set.of();
    private Set<String> leftOut = Set.of();
    private boolean repeatsFirstPage;
    private int created;
    private int stuck;
    private OptionalInt late = OptionalInt.empty();
    private boolean underTest;

    private enum Kind {
        CREATED,
        UPDATED,
        DESTROYED
    }

    /**
     * @param state the state after the change: the number of changes then
     * @param began the state in which it began: it is not reported from later states
     * @param countsOnly only {@link #COUNTS} of a mailbox have changed
     */
    private record Change(int state, int began, String type, String id, Kind kind, boolean countsOnly) {}

    private FakeJmapServer(HttpServer http) {
        this.http = http;
    }

    public static FakeJmapServer start(Vertx vertx) {
        HttpServer http = vertx.createHttpServer(new HttpServerOptions().addWebSocketSubProtocol("jmap"));
        var server = new FakeJmapServer(http);
        http.requestHandler(server::handle);
        await(http.listen(0, "127.0.0.1"));
        server.session = server.defaultSession();
        server.addMailbox("inbox-id", "Inbox", "inbox");
        return server;
    }

    private ObjectNode defaultSession() {
        ObjectNode json = JSON.objectNode();
        ObjectNode core = json.putObject("capabilities").putObject(JmapSession.CORE);
        core.put("maxCallsInRequest", 16).put("maxObjectsInGet", 500).put("maxObjectsInSet", 500);
        core.put("maxConcurrentRequests", 4).put("maxSizeRequest", 10_000_000).put("maxSizeUpload", 50_000_000);
        ((ObjectNode) json.path("capabilities")).putObject(JmapSession.MAIL);
        ObjectNode account = json.putObject("accounts").putObject(ACCOUNT);
        account.put("name", USER).put("isPersonal", true).put("isReadOnly", false);
        account.putObject("accountCapabilities").putObject(JmapSession.MAIL);
        json.putObject("primaryAccounts").put(JmapSession.MAIL, ACCOUNT);
        json.put("username", USER).put("apiUrl", "/api/").put("state", "session-1");
        json.put("downloadUrl", "/download/{accountId}/{blobId}/{name}?type={type}");
        json.put("uploadUrl", "/upload/{accountId}/");
        json.put("eventSourceUrl", "/events?types={types}&closeafter={closeafter}&ping={ping}");
        return json;
    }

    public URI sessionUrl() {
        return URI.create("http://127.0.0.1:" + http.actualPort() + "/session");
    }

    /** Changes the session resource from now on. */
    public synchronized void session(Consumer<ObjectNode> change) {
        change.accept(session);
    }

    /** From now on the session offers push over a WebSocket. */
    public synchronized void offerWebSocket() {
        ((ObjectNode) session.path("capabilities"))
                .putObject(JmapSession.WEBSOCKET)
                .put("url", "/ws")
                .put("supportsPush", true);
    }

    /** From now on the session offers submission, and there are mailboxes for drafts and for sent mail. */
    public synchronized FakeSubmissions offerSubmission() {
        ((ObjectNode) session.path("capabilities")).putObject(JmapSession.SUBMISSION);
        addMailbox(FakeSubmissions.DRAFTS, "Drafts", "drafts");
        addMailbox(FakeSubmissions.SENT, "Sent", "sent");
        return submissions;
    }

    /** The next request of Postbus to {@code path} ({@code /session}, {@code /api/}, {@code /events}, …) is answered by this. */
    public synchronized void next(String path, Consumer<HttpServerRequest> answer) {
        next.computeIfAbsent(path, key -> new ArrayDeque<>()).add(answer);
    }

    /** Whether everything that {@link #next} and {@link #stickAtAState} prepared has been used. */
    public synchronized boolean isAllMet() {
        return stuck == 0 && next.values().stream().allMatch(Deque::isEmpty);
    }

    /** Answers the next API request with this, whatever it contains. */
    public void nextAnswer(int status, String contentType, String body) {
        next(
                "/api/",
                request -> request.response()
                        .setStatusCode(status)
                        .putHeader("Content-Type", contentType)
                        .end(body));
    }

    /** Email/get of whole emails fails if one of these is among them. */
    public synchronized void refuse(Set<String> ids) {
        refused = Set.copyOf(ids);
    }

    /** Email/get of whole emails neither returns these nor says that they do not exist. */
    public synchronized void leaveOut(Set<String> ids) {
        leftOut = Set.copyOf(ids);
    }

    /** Email/query answers every question with the first page. */
    public synchronized void repeatFirstPage(boolean repeats) {
        repeatsFirstPage = repeats;
    }

    /** Answers {@code anchor} with invalidArguments, as James does. */
    public synchronized void refuseAnchors() {
        anchorSupported = false;
    }

    /** Answers every call that refers to another one's result with invalidResultReference. */
    public synchronized void refuseReferences() {
        referencesSupported = false;
    }

    /** Limits the ids in an answer to a query or to changes, whatever was requested. */
    public synchronized void pageMax(int ids) {
        pageMax = ids;
    }

    /** Refuses to get more objects at once, whatever the session says, as a server that is short of memory. */
    public synchronized void getMax(int objects) {
        getMax = objects;
    }

    /** Answers every earlier state with cannotCalculateChanges. */
    public synchronized void forgetChanges() {
        forgottenBefore = changes.size() + 1;
        changes.add(new Change(changes.size() + 1, changes.size(), "none", "", Kind.UPDATED, false));
    }

    /** The next answers to Email/changes report more changes without advancing the state. */
    public synchronized void stickAtAState(int answers) {
        stuck = answers;
    }

    /**
     * Puts these emails into one thread: each is destroyed and created again with another id, with the same blob or
     * another.
     */
    public synchronized void mergeThreads(Collection<String> ids, boolean anotherBlob) {
        String thread = "T-merged-" + changes.size();
        for (String id : ids) {
            ObjectNode email = emails.remove(id);
            changed("Email", id, Kind.DESTROYED);
            String again = "M" + ++created;
            emails.add(email.put("id", again).put("threadId", thread));
            if (anotherBlob) {
                purgeBlob(again, true);
            }
            changed("Email", again, Kind.CREATED);
        }
    }

    /**
     * Deletes the blob of the email. If it is to be found again, the email gets another one, without a reported
     * change.
     */
    public synchronized void purgeBlob(String id, boolean another) {
        ObjectNode email = emails.toChange(id);
        Buffer content = blobs.remove(email.path("blobId").asText());
        if (another) {
            String blob = "B-again-" + ++created;
            email.put("blobId", blob);
            blobs.put(blob, content);
        }
    }

    public synchronized void addMailbox(String id, String name, String role) {
        ObjectNode mailbox = JSON.objectNode().put("id", id).put("name", name).putNull("parentId");
        mailbox.put("role", role).put("sortOrder", 1).put("isSubscribed", true);
        mailboxes.put(id, mailbox);
        changed("Mailbox", id, Kind.CREATED);
    }

    public synchronized void renameMailbox(String id, String name) {
        mailboxes.get(id).put("name", name);
        changed("Mailbox", id, Kind.UPDATED);
    }

    /** An email with a text body, in one mailbox, received at {@code receivedAt} (ISO 8601, UTC). */
    public synchronized void addEmail(String id, String mailboxId, String receivedAt, String subject, String text) {
        ObjectNode email = FakeEmails.email(id, mailboxId, receivedAt, subject, text);
        emails.add(email);
        blobs.put("B" + id, FakeEmails.content(email));
        changed("Email", id, Kind.CREATED);
    }

    /**
     * Adds a number of emails to a mailbox that are older than all others and take no memory, whatever their number.
     * Call it once, and before the first request.
     */
    public synchronized void makeUpEmails(String mailboxId, int count) {
        emails.makeUp(mailboxId, count);
    }

    /** The id of one of these, 0 being the newest, as long as their ids have not been changed. */
    public static String madeUpId(int number) {
        return FakeEmails.madeUpId(0, number);
    }

    /** Gives all of these other ids, as a server that migrates its mail, and forgets all earlier changes. */
    public synchronized void reassignIds() {
        emails.reassignIds();
        forgetChanges();
    }

    /** API requests are passed to this from now on and are not kept: {@link #requests()} contains none of them. */
    public synchronized void giveRequestsTo(Consumer<JsonNode> use) {
        requestUse = use;
    }

    /** Changes an email as another client would, or sets an invalid property. */
    public synchronized void updateEmail(String id, Consumer<ObjectNode> change) {
        change.accept(emails.toChange(id));
        changed("Email", id, Kind.UPDATED);
    }

    public synchronized void destroyEmail(String id) {
        emails.remove(id);
        changed("Email", id, Kind.DESTROYED);
    }

    /** The current state, for {@link #beganAt}. */
    public synchronized int moment() {
        return changes.size();
    }

    /**
     * Changes that began at this state and become visible only now, as on James: they are not reported from states
     * that were given out since.
     */
    public synchronized void beganAt(int moment, Runnable change) {
        late = OptionalInt.of(moment);
        change.run();
        late = OptionalInt.empty();
    }

    /**
     * Changes the email without a new state or a notification: what James omits when states are not given out in the
     * order of changes.
     */
    public synchronized void destroyWithoutAWord(String id) {
        emails.remove(id);
    }

    /** As {@link #updateEmail}, without a new state or a notification. */
    public synchronized void updateWithoutAWord(String id, Consumer<ObjectNode> change) {
        change.accept(emails.toChange(id));
    }

    public synchronized Optional<JsonNode> email(String id) {
        return Optional.ofNullable(emails.get(id)).map(JsonNode::deepCopy);
    }

    public synchronized List<JsonNode> emails() {
        return emails.ids().stream()
                .<JsonNode>map(id -> emails.get(id).deepCopy())
                .toList();
    }

    /** The bodies of all API requests so far. */
    public synchronized List<JsonNode> requests() {
        return List.copyOf(requests);
    }

    /** The errors in the requests so far. */
    public synchronized List<String> complaints() {
        return List.copyOf(complaints);
    }

    /** How many event streams are open. */
    public synchronized int listeners() {
        return listeners.size();
    }

    /** How many WebSockets are open to which changes are pushed. */
    public synchronized int webSockets() {
        return webSockets.size();
    }

    /** The messages by which WebSockets enabled push. */
    public synchronized List<String> enabled() {
        return List.copyOf(enabled);
    }

    /** Sends this message to all WebSockets that enabled push. */
    public synchronized void pushMessage(String message) {
        webSockets.forEach(socket -> socket.writeTextMessage(message));
    }

    /** Sends these bytes to all event streams. */
    public synchronized void push(String events) {
        listeners.forEach(listener -> listener.write(events));
    }

    /** Breaks all event streams and WebSockets off. */
    public synchronized void closeStreams() {
        List.copyOf(webSockets).forEach(ServerWebSocket::close);
        List.copyOf(listeners).forEach(HttpServerResponse::end);
    }

    private synchronized void changed(String type, String id, Kind kind) {
        int began = late.orElse(changes.size());
        changes.add(new Change(changes.size() + 1, began, type, id, kind, false));
        String change =
                "{\"@type\":\"StateChange\",\"changed\":{\"" + ACCOUNT + "\":{\"" + type + "\":\"" + state() + "\"}}}";
        push("event: state\ndata: " + change + "\n\n");
        pushMessage(change);
        if (type.equals("Email")) {
            // The counts of some mailboxes have changed; the client is not notified of which.
            mailboxes
                    .keySet()
                    .forEach(mailbox -> changes.add(new Change(
                            changes.size() + 1, late.orElse(changes.size()), "Mailbox", mailbox, Kind.UPDATED, true)));
        }
    }

    private String state() {
        return Integer.toString(changes.size());
    }

    private synchronized void handle(HttpServerRequest request) {
        Deque<Consumer<HttpServerRequest>> special = next.get(request.path());
        if (special != null && !special.isEmpty() && isUnderTest(request)) {
            special.poll().accept(request);
            return;
        }
        String login =
                "Basic " + Base64.getEncoder().encodeToString((USER + ":" + PASSWORD).getBytes(StandardCharsets.UTF_8));
        if (!login.equals(request.getHeader("Authorization"))) {
            request.response()
                    .setStatusCode(401)
                    .putHeader("WWW-Authenticate", "Basic")
                    .end();
            return;
        }
        if (!String.valueOf(request.getHeader("Accept")).endsWith("application/json; jmapVersion=rfc-8621")) {
            complain("James would not take Accept: " + request.getHeader("Accept"));
        }
        switch (request.path()) {
            case "/session" -> answer(request, 200, session);
            case "/api/" -> request.body().onSuccess(body -> api(request, body));
            case "/events" -> listen(request);
            case "/upload/" + ACCOUNT + "/" -> request.body().onSuccess(body -> upload(request, body));
            case "/ws" -> request.toWebSocket().onSuccess(this::talk);
            default -> download(request);
        }
    }

    /** Requests of other clients, which tests use to read and change things, are not affected by prepared faults. */
    private static boolean isUnderTest(HttpServerRequest request) {
        return "Postbus".equals(request.getHeader("User-Agent"));
    }

    private void listen(HttpServerRequest request) {
        if (!"identity".equals(request.getHeader("Accept-Encoding"))) {
            complain("an event source must not be compressed: " + request.getHeader("Accept-Encoding"));
        }
        for (String parameter : List.of("types", "closeafter", "ping")) {
            if (String.valueOf(request.getParam(parameter)).isEmpty()) {
                complain("the event source needs " + parameter);
            }
        }
        HttpServerResponse response =
                request.response().setChunked(true).putHeader("Content-Type", "text/event-stream");
        listeners.add(response);
        response.endHandler(ended -> removeListener(response));
        response.write(": welcome\n\n");
    }

    private void talk(ServerWebSocket socket) {
        if (!"jmap".equals(socket.subProtocol())) {
            complain("a WebSocket without the subprotocol jmap");
        }
        socket.textMessageHandler(message -> {
            if (!message.matches("\\{\"@type\":\"WebSocketPushEnable\",\"dataTypes\":\\[\"Email\",\"Mailbox\"]"
                    + "(,\"pushState\":\"[^\"]+\")?}")) {
                complain("over the WebSocket: " + message);
            }
            synchronized (this) {
                enabled.add(message);
                webSockets.add(socket);
            }
        });
        socket.closeHandler(closed -> {
            synchronized (this) {
                webSockets.remove(socket);
            }
        });
    }

    private synchronized void removeListener(HttpServerResponse listener) {
        listeners.remove(listener);
    }

    private void download(HttpServerRequest request) {
        String[] path = request.path().split("/");
        Buffer blob =
                path.length == 5 && path[1].equals("download") && path[2].equals(ACCOUNT) ? emails.blob(path[3]) : null;
        if (blob == null) {
            answer(request, 404, JSON.objectNode().put("type", "about:blank").put("status", 404));
        } else {
            request.response()
                    .putHeader("Content-Type", request.getParam("type"))
                    .end(blob);
        }
    }

    private synchronized void upload(HttpServerRequest request, Buffer body) {
        String blob = "B-up-" + ++created;
        blobs.put(blob, body);
        ObjectNode uploaded = JSON.objectNode().put("accountId", ACCOUNT).put("blobId", blob);
        answer(
                request,
                201,
                uploaded.put("type", request.getHeader("Content-Type")).put("size", body.length()));
    }

    /** Empty if there is no such blob, or none of its mailboxes. */
    synchronized Optional<String> importEmail(ObjectNode wanted) {
        Buffer content = blobs.get(wanted.path("blobId").asText());
        List<String> in = new ArrayList<>();
        wanted.path("mailboxIds").fieldNames().forEachRemaining(in::add);
        if (content == null
                || in.isEmpty()
                || !wanted.has("receivedAt")
                || !mailboxes.keySet().containsAll(in)) {
            return Optional.empty();
        }
        String id = "I" + ++created;
        addEmail(id, in.getFirst(), wanted.path("receivedAt").asText(), "imported", content.toString());
        ArrayNode messageIds = emails.toChange(id).put("size", content.length()).putArray("messageId");
        content.toString()
                .lines()
                .filter(line -> line.startsWith("Message-ID: <"))
                .map(line -> line.substring(line.indexOf('<') + 1, line.indexOf('>')))
                .forEach(messageIds::add);
        emails.toChange(id).setAll(wanted.deepCopy().retain("mailboxIds", "keywords", "blobId"));
        return Optional.of(id);
    }

    synchronized String content(String id) {
        return emails.blob(emails.get(id).path("blobId").asText()).toString();
    }

    private synchronized void api(HttpServerRequest request, Buffer body) {
        JsonNode json;
        try {
            json = EventCodec.mapper().readTree(body.getBytes());
        } catch (IOException notJson) {
            complain("not JSON: " + body);
            problem(request, "notJSON");
            return;
        }
        underTest = isUnderTest(request);
        if (underTest) {
            requestUse.accept(json);
        }
        if (!String.valueOf(request.getHeader("Content-Type")).startsWith("application/json")) {
            complain("Content-Type: " + request.getHeader("Content-Type"));
            problem(request, "notJSON");
            return;
        }
        List<String> using = StreamSupport.stream(json.path("using").spliterator(), false)
                .map(JsonNode::asText)
                .toList();
        boolean sending = session.path("capabilities").has(JmapSession.SUBMISSION)
                && using.equals(List.of(JmapSession.CORE, JmapSession.MAIL, JmapSession.SUBMISSION));
        if (!sending && !using.equals(List.of(JmapSession.CORE, JmapSession.MAIL))) {
            complain("using: " + json.path("using"));
            problem(request, "unknownCapability");
            return;
        }
        if (submissions.answers(request, json)) {
            return;
        }
        ArrayNode responses = JSON.arrayNode();
        for (JsonNode call : json.path("methodCalls")) {
            String name = call.path(0).asText();
            ObjectNode arguments = call.path(1).deepCopy();
            String callId = call.path(2).asText();
            Optional<String> unresolved = referencesSupported ? resolve(arguments, responses) : refusal(arguments);
            ArrayNode implicit = JSON.arrayNode();
            ObjectNode result = unresolved.isPresent()
                    ? error("invalidResultReference")
                    : method(name, arguments, implicit, callId);
            // A reference to a call that failed is no error of the client.
            unresolved.filter(complaint -> !complaint.isEmpty()).ifPresent(this::complain);
            responses
                    .addArray()
                    .add(result.path("@error").asBoolean(false) ? "error" : name)
                    .add(result.without(List.of("@error")))
                    .add(callId);
            responses.addAll(implicit);
        }
        if (submissions.cuts(json)) {
            request.connection().close();
            return;
        }
        ObjectNode answer = JSON.objectNode();
        answer.set("methodResponses", responses);
        answer(request, 200, answer.put("sessionState", session.path("state").asText()));
    }

    private static Optional<String> refusal(ObjectNode arguments) {
        return arguments.has("#ids") || arguments.has("#properties") ? Optional.of("") : Optional.empty();
    }

    /** Replaces {@code #ids} and {@code #properties} by what they point at (RFC 8620 section 3.7). */
    private static Optional<String> resolve(ObjectNode arguments, ArrayNode responses) {
        return resolve(arguments, "ids", responses).or(() -> resolve(arguments, "properties", responses));
    }

    /** @return the error; the inner value is empty if only the referenced call failed */
    private static Optional<String> resolve(ObjectNode arguments, String name, ArrayNode responses) {
        JsonNode reference = arguments.remove("#" + name);
        if (reference == null) {
            return Optional.empty();
        }
        for (JsonNode response : responses) {
            boolean meant = response.path(2).equals(reference.path("resultOf"));
            if (meant && response.path(0).asText().equals("error")) {
                return Optional.of("");
            }
            if (meant && response.path(0).equals(reference.path("name"))) {
                JsonNode value = response.path(1).at(reference.path("path").asText());
                if (value.isArray() || (value.isNull() && name.equals("properties"))) {
                    arguments.set(name, value);
                    return Optional.empty();
                }
            }
        }
        return Optional.of("a reference to nothing: " + reference);
    }

    private ObjectNode method(String name, ObjectNode arguments, ArrayNode implicit, String callId) {
        Set<String> known = ARGUMENTS.getOrDefault(name, FakeSubmissions.ARGUMENTS.get(name));
        if (known == null) {
            complain("unknown method " + name);
            return error("unknownMethod");
        }
        Set<String> unknown = new LinkedHashSet<>();
        arguments.fieldNames().forEachRemaining(argument -> {
            if (!known.contains(argument)) {
                unknown.add(argument);
            }
        });
        if (!unknown.isEmpty()) {
            complain(name + " has no arguments " + unknown);
            return error("invalidArguments");
        }
        if (!arguments.path("accountId").asText().equals(ACCOUNT)) {
            complain(name + " for account " + arguments.path("accountId"));
            return error("accountNotFound");
        }
        return switch (name) {
            case "Mailbox/get" -> get("Mailbox", mailboxes.keySet(), id -> counted(mailboxes.get(id)), arguments);
            case "Email/get" -> get("Email", emails.ids(), emails::get, arguments);
            case "Mailbox/changes" -> changes("Mailbox", arguments);
            case "Email/changes" -> changes("Email", arguments);
            case "Email/query" -> query(arguments);
            case "Mailbox/set" -> setMailboxes(arguments);
            case "Email/set" -> set(arguments);
            default -> submissions.method(name, arguments, implicit, callId);
        };
    }

    private ObjectNode get(
            String type, Collection<String> all, Function<String, ObjectNode> objects, ObjectNode arguments) {
        ObjectNode result = result().put("state", state());
        ArrayNode list = result.putArray("list");
        ArrayNode notFound = result.putArray("notFound");
        List<String> ids = new ArrayList<>();
        if (arguments.path("ids").isArray()) {
            arguments.path("ids").forEach(id -> ids.add(id.asText()));
        } else {
            ids.addAll(all);
        }
        if (underTest
                && ids.size()
                        > session.path("capabilities")
                                .path(JmapSession.CORE)
                                .path("maxObjectsInGet")
                                .asInt(500)) {
            complain(type + "/get of " + ids.size() + " objects");
            return error("requestTooLarge");
        }
        if (underTest && ids.size() > getMax) {
            return error("requestTooLarge");
        }
        boolean whole = StreamSupport.stream(arguments.path("properties").spliterator(), false)
                .anyMatch(property -> property.asText().equals("bodyValues"));
        if (underTest && whole && ids.stream().anyMatch(refused::contains)) {
            return error("serverFail");
        }
        ids.removeIf(id -> underTest && whole && leftOut.contains(id));
        for (String id : ids) {
            ObjectNode object = objects.apply(id);
            if (object == null) {
                notFound.add(id);
            } else {
                list.add(chosen(object, arguments));
            }
        }
        return result;
    }

    private static ObjectNode chosen(ObjectNode object, ObjectNode arguments) {
        if (!arguments.path("properties").isArray()) {
            return object.deepCopy();
        }
        List<String> names = new ArrayList<>(List.of("id"));
        arguments.path("properties").forEach(name -> names.add(name.asText()));
        ObjectNode chosen = object.deepCopy().retain(names);
        if (!arguments.path("fetchTextBodyValues").asBoolean(false) && chosen.has("bodyValues")) {
            chosen.putObject("bodyValues");
        }
        return chosen;
    }

    /** Null if there is no such mailbox. */
    private ObjectNode counted(ObjectNode mailbox) {
        if (mailbox == null) {
            return null;
        }
        long[] counts = emails.counts(mailbox.path("id").asText());
        return mailbox.deepCopy().put("totalEmails", counts[0]).put("unreadEmails", counts[1]);
    }

    private ObjectNode changes(String type, ObjectNode arguments) {
        String since = arguments.path("sinceState").asText();
        int from = since.matches("[0-9]{1,9}") ? Integer.parseInt(since) : -1;
        if (from < forgottenBefore || from > changes.size()) {
            return error("cannotCalculateChanges");
        }
        int max = Math.min(pageMax, arguments.path("maxChanges").asInt(Integer.MAX_VALUE));
        Map<String, Kind> kinds = new LinkedHashMap<>();
        int state = from;
        boolean more = false;
        boolean countsOnly = true;
        if (underTest && type.equals("Email") && stuck > 0) {
            stuck--;
            ObjectNode result =
                    result().put("oldState", since).put("newState", since).put("hasMoreChanges", true);
            List.of("created", "updated", "destroyed").forEach(result::putArray);
            return result;
        }
        for (Change change : changes.subList(from, changes.size())) {
            if (change.type.equals(type) && change.began >= from) {
                countsOnly &= change.countsOnly;
                if (!kinds.containsKey(change.id) && kinds.size() == max) {
                    more = true;
                    break;
                }
                kinds.merge(
                        change.id,
                        change.kind,
                        (before, now) -> now == Kind.UPDATED && before == Kind.CREATED ? before : now);
            }
            state = change.state;
        }
        ObjectNode result = result().put("oldState", since)
                .put("newState", Integer.toString(state))
                .put("hasMoreChanges", more);
        for (Kind kind : Kind.values()) {
            ArrayNode ids = result.putArray(kind.name().toLowerCase(java.util.Locale.ROOT));
            kinds.forEach((id, is) -> {
                if (is == kind) {
                    ids.add(id);
                }
            });
        }
        if (type.equals("Mailbox")) {
            if (countsOnly) {
                result.set("updatedProperties", EventCodec.mapper().valueToTree(COUNTS));
            } else {
                result.putNull("updatedProperties");
            }
        }
        return result;
    }

    private ObjectNode query(ObjectNode arguments) {
        if (repeatsFirstPage) {
            arguments.remove(List.of("anchor", "anchorOffset"));
            arguments.put("position", 0);
        }
        if (!arguments.path("sort").toString().equals("[{\"property\":\"receivedAt\",\"isAscending\":false}]")) {
            complain("sort: " + arguments.path("sort"));
            return error("unsupportedSort");
        }
        String mailbox = arguments.at("/filter/inMailbox").asText();
        List<String> ids = mailbox.isEmpty()
                ? emails.newestFirst()
                : emails.newestFirst().stream()
                        .filter(id -> emails.get(id).path("mailboxIds").has(mailbox))
                        .toList();
        int position = arguments.path("position").asInt(0);
        if (arguments.has("anchor")) {
            if (!anchorSupported) {
                return error("invalidArguments");
            }
            int anchor = ids.indexOf(arguments.path("anchor").asText());
            if (anchor < 0) {
                return error("anchorNotFound");
            }
            position = anchor + arguments.path("anchorOffset").asInt(0);
        }
        int from = Math.min(position, ids.size());
        int to = Math.min(
                ids.size(), from + Math.min(pageMax, arguments.path("limit").asInt(ids.size())));
        ObjectNode result = result().put("queryState", state())
                .put("canCalculateChanges", false)
                .put("position", from);
        ArrayNode page = result.putArray("ids");
        ids.subList(from, to).forEach(page::add);
        return result;
    }

    synchronized ObjectNode set(ObjectNode arguments) {
        if (arguments.has("ifInState") && !arguments.path("ifInState").asText().equals(state())) {
            return error("stateMismatch");
        }
        int objects =
                arguments.path("update").size() + arguments.path("destroy").size();
        if (objects
                > session.path("capabilities")
                        .path(JmapSession.CORE)
                        .path("maxObjectsInSet")
                        .asInt(500)) {
            complain("Email/set of " + objects + " objects");
            return error("requestTooLarge");
        }
        ObjectNode result = result().put("oldState", state());
        ObjectNode createdEmails = result.putObject("created");
        arguments.path("create").fields().forEachRemaining(entry -> {
            ObjectNode wanted = (ObjectNode) entry.getValue();
            String id = "E" + ++created;
            addEmail(
                    id,
                    wanted.path("mailboxIds").fieldNames().next(),
                    wanted.path("receivedAt").asText(),
                    wanted.path("subject").asText(),
                    wanted.path("bodyValues").path("1").path("value").asText());
            emails.toChange(id).setAll(wanted.retain("mailboxIds", "keywords", "messageId"));
            createdEmails.putObject(entry.getKey()).put("id", id);
        });
        ObjectNode updated = result.putObject("updated");
        ObjectNode notUpdated = result.putObject("notUpdated");
        ArrayNode destroyed = result.putArray("destroyed");
        ObjectNode notDestroyed = result.putObject("notDestroyed");
        arguments.path("update").fields().forEachRemaining(entry -> {
            ObjectNode email = emails.toChange(entry.getKey());
            if (email == null) {
                notUpdated.putObject(entry.getKey()).put("type", "notFound");
            } else if (patch(email, entry.getValue())) {
                updated.putNull(entry.getKey());
                changed("Email", entry.getKey(), Kind.UPDATED);
            } else {
                notUpdated.putObject(entry.getKey()).put("type", "invalidPatch");
            }
        });
        arguments.path("destroy").forEach(id -> {
            if (emails.remove(id.asText()) == null) {
                notDestroyed.putObject(id.asText()).put("type", "notFound");
            } else {
                destroyed.add(id);
                changed("Email", id.asText(), Kind.DESTROYED);
            }
        });
        return result.put("newState", state());
    }

    private ObjectNode setMailboxes(ObjectNode arguments) {
        if (arguments.has("ifInState") && !arguments.path("ifInState").asText().equals(state())) {
            return error("stateMismatch");
        }
        ObjectNode result = result().put("oldState", state());
        ObjectNode createdMailboxes = result.putObject("created");
        ObjectNode updated = result.putObject("updated");
        ArrayNode destroyed = result.putArray("destroyed");
        arguments.path("create").fields().forEachRemaining(entry -> {
            String id = "mailbox-" + ++created;
            addMailbox(id, "", null);
            mailboxes.get(id).setAll((ObjectNode) entry.getValue());
            createdMailboxes.putObject(entry.getKey()).put("id", id);
        });
        arguments.path("update").fields().forEachRemaining(entry -> {
            mailboxes.get(entry.getKey()).setAll((ObjectNode) entry.getValue());
            changed("Mailbox", entry.getKey(), Kind.UPDATED);
            updated.putNull(entry.getKey());
        });
        arguments.path("destroy").forEach(node -> {
            String id = node.asText();
            for (String emailId : List.copyOf(emails.ids())) {
                ObjectNode in = (ObjectNode) emails.toChange(emailId).path("mailboxIds");
                if (in.remove(id) != null) {
                    if (in.isEmpty()) {
                        destroyEmail(emailId);
                    } else {
                        changed("Email", emailId, Kind.UPDATED);
                    }
                }
            }
            mailboxes.remove(id);
            changed("Mailbox", id, Kind.DESTROYED);
            destroyed.add(id);
        });
        return result.put("newState", state());
    }

    /** False, and nothing done, if it is no patch or would leave the email in no mailbox. */
    private boolean patch(ObjectNode email, JsonNode patch) {
        ObjectNode patched = email.deepCopy();
        var fields = patch.fields();
        while (fields.hasNext()) {
            Map.Entry<String, JsonNode> entry = fields.next();
            String[] pointer = entry.getKey().split("/", -1);
            boolean known = pointer.length == 2 && (pointer[0].equals("keywords") || pointer[0].equals("mailboxIds"));
            if (!known || !(entry.getValue().isNull() || entry.getValue().asBoolean(false))) {
                complain("no patch of an email: " + entry);
                return false;
            }
            ObjectNode map = (ObjectNode) patched.path(pointer[0]);
            String name = pointer[1].replace("~1", "/").replace("~0", "~");
            if (entry.getValue().isNull()) {
                map.remove(name);
            } else {
                map.put(name, true);
            }
        }
        if (patched.path("mailboxIds").isEmpty()) {
            return false;
        }
        email.setAll(patched);
        return true;
    }

    static ObjectNode result() {
        return JSON.objectNode().put("accountId", ACCOUNT);
    }

    static ObjectNode error(String type) {
        return JSON.objectNode().put("@error", true).put("type", type);
    }

    private static void problem(HttpServerRequest request, String type) {
        request.response()
                .setStatusCode(400)
                .putHeader("Content-Type", "application/problem+json")
                .end("{\"type\":\"urn:ietf:params:jmap:error:" + type + "\",\"status\":400}");
    }

    private static void answer(HttpServerRequest request, int status, JsonNode json) {
        request.response()
                .setStatusCode(status)
                .putHeader("Content-Type", "application/json")
                .end(Buffer.buffer(EventCodec.encode(json)));
    }

    private synchronized void complain(String text) {
        complaints.add(text);
    }

    private static <T> T await(io.vertx.core.Future<T> future) {
        try {
            return future.toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
        } catch (Exception failed) {
            throw new IllegalStateException(failed);
        }
    }

    @Override
    public void close() {
        await(http.close());
    }
}
