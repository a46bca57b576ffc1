package org.postbus.devstack.rawclient;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.postbus.codec.EventCodec;

/**
 * A blocking JMAP client over the JDK's HTTP client (RFC 8620, 8621). It shares no code with {@code mail-client}. An error response is a
 * {@link RefusedException}.
 */
public final class RawJmap implements AutoCloseable {
    private static final Duration RESPONSE_WAIT = Duration.ofSeconds(20);
    private static final Duration PING = Duration.ofSeconds(10);
    private static final List<String> USING = List.of("urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail");
    /** Servers accept at least 500 ids per request (RFC 8620 section 2); James returns at most 256 ids per query. */
    private static final int PAGE = 200;

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
    private final String authorization;
    private final URI apiUrl;
    private final String eventSourceUrl;
    private final String accountId;

    /** The server responded with an error. */
    public static final class RefusedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        RefusedException(String message) {
            super(message);
        }
    }

    private RawJmap(URI sessionUrl, String user, String password) {
        this.authorization =
                "Basic " + Base64.getEncoder().encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
        JsonNode session = tree(send(HttpRequest.newBuilder(sessionUrl).GET()));
        this.apiUrl = sessionUrl.resolve(session.at("/apiUrl").asText());
        this.eventSourceUrl = session.at("/eventSourceUrl").asText();
        this.accountId =
                session.at("/primaryAccounts/urn:ietf:params:jmap:mail").asText();
    }

    public static RawJmap login(URI sessionUrl, String user, String password) {
        return new RawJmap(sessionUrl, user, password);
    }

    /** All properties of all mailboxes. */
    public List<JsonNode> mailboxes() {
        List<JsonNode> mailboxes = new ArrayList<>();
        call("Mailbox/get", json().putNull("ids")).get("list").forEach(mailboxes::add);
        return mailboxes;
    }

    /** Ids of all emails, newest first. */
    public List<String> emailIds() {
        List<String> ids = new ArrayList<>();
        while (true) {
            ObjectNode arguments = json();
            arguments.putArray("sort").addObject().put("property", "receivedAt").put("isAscending", false);
            arguments.put("position", ids.size()).put("limit", PAGE);
            JsonNode page = call("Email/query", arguments).get("ids");
            page.forEach(id -> ids.add(id.asText()));
            if (page.isEmpty()) {
                return ids;
            }
        }
    }

    /** @param properties as in RFC 8621 section 4.1 */
    public List<JsonNode> emails(Collection<String> ids, String... properties) {
        List<JsonNode> emails = new ArrayList<>();
        List<String> all = List.copyOf(ids);
        for (int from = 0; from < all.size(); from += PAGE) {
            ObjectNode arguments = json();
            ArrayNode wanted = arguments.putArray("ids");
            all.subList(from, Math.min(all.size(), from + PAGE)).forEach(wanted::add);
            ArrayNode of = arguments.putArray("properties");
            for (String property : properties) {
                of.add(property);
            }
            call("Email/get", arguments).get("list").forEach(emails::add);
        }
        return emails;
    }

    /** @param patches by email id: a patch object (RFC 8620 section 5.3), such as {@code {"keywords/$seen": true}} */
    public void update(Map<String, Map<String, Object>> patches) {
        JsonNode response = call("Email/set", json().set("update", node(patches)));
        failIfAny(response.get("notUpdated"));
    }

    public void destroy(Collection<String> ids) {
        JsonNode response =
                call("Email/set", json().set("destroy", EventCodec.mapper().valueToTree(ids)));
        failIfAny(response.get("notDestroyed"));
    }

    /**
     * A {@code /set} call (RFC 8620 section 5.3). Returns its result arguments: {@code created}, {@code notUpdated}, …
     *
     * @param type such as {@code Mailbox}
     * @param arguments {@code create}, {@code update}, {@code destroy}
     */
    public JsonNode set(String type, Map<String, ?> arguments) {
        return call(type + "/set", node(arguments));
    }

    /**
     * Sends a request, discards the response and returns its size in bytes.
     *
     * @param request a complete request object with {@code using} and {@code methodCalls}
     */
    public long discard(byte[] request) {
        HttpRequest.Builder post = HttpRequest.newBuilder(apiUrl)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(request));
        byte[] buffer = new byte[64 * 1024];
        long total = 0;
        try (InputStream body = send(post)) {
            for (int read = body.read(buffer); read >= 0; read = body.read(buffer)) {
                total += read;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return total;
    }

    /**
     * The lines of the event source as they arrive, until {@link #abort} (RFC 8620 section 7.3).
     *
     * @param types comma separated
     */
    public Stream<String> eventSource(String types) {
        String url = eventSourceUrl
                .replace("{types}", types)
                .replace("{closeafter}", "no")
                .replace("{ping}", Long.toString(PING.toSeconds()));
        HttpRequest request = HttpRequest.newBuilder(apiUrl.resolve(url))
                .header("Authorization", authorization)
                .header("Accept", "text/event-stream")
                .build();
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofLines()).body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** Closes the client and cancels requests in progress. */
    public void abort() {
        http.shutdownNow();
    }

    public String accountId() {
        return accountId;
    }

    @Override
    public void close() {
        http.close();
    }

    /** Makes one method call and returns the response's arguments. */
    private JsonNode call(String method, JsonNode arguments) {
        ((ObjectNode) arguments).put("accountId", accountId);
        ObjectNode request = json();
        request.set("using", EventCodec.mapper().valueToTree(USING));
        request.putArray("methodCalls").addArray().add(method).add(arguments).add("c");
        HttpRequest.Builder post = HttpRequest.newBuilder(apiUrl)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(EventCodec.encode(request)));
        JsonNode response = tree(send(post)).at("/methodResponses/0");
        if (!response.at("/0").asText().equals(method)) {
            throw new RefusedException(method + ": " + response);
        }
        return response.get(1);
    }

    private InputStream send(HttpRequest.Builder request) {
        try {
            HttpResponse<InputStream> response = http.send(
                    request.header("Authorization", authorization)
                            .header("Accept", "application/json; jmapVersion=rfc-8621")
                            .timeout(RESPONSE_WAIT)
                            .build(),
                    HttpResponse.BodyHandlers.ofInputStream());
            if (response.statusCode() != 200) {
                throw new RefusedException("HTTP " + response.statusCode() + " from " + response.uri());
            }
            return response.body();
        } catch (HttpTimeoutException e) {
            throw new RefusedException("no response within " + RESPONSE_WAIT.toSeconds() + " s");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static JsonNode tree(InputStream body) {
        try (body) {
            return EventCodec.mapper().readTree(body);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Keeps null values, which the shared mapper leaves out: in a patch object null removes a property. */
    private static JsonNode node(Object value) {
        return switch (value) {
            case Map<?, ?> map -> {
                ObjectNode object = json();
                map.forEach((name, member) -> object.set((String) name, node(member)));
                yield object;
            }
            case Collection<?> list -> {
                ArrayNode array = json().arrayNode();
                list.forEach(element -> array.add(node(element)));
                yield array;
            }
            case null, default -> EventCodec.mapper().valueToTree(value);
        };
    }

    private static ObjectNode json() {
        return EventCodec.mapper().createObjectNode();
    }

    private static void failIfAny(JsonNode refused) {
        if (refused != null && !refused.isEmpty()) {
            throw new RefusedException("Email/set: " + refused);
        }
    }
}
