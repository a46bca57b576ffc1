package org.postbus.devstack.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.postbus.account.Secret;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.mailserver.James;
import org.postbus.model.AccountId;

/** A client of Postbus's REST API: blocking calls with one API key. */
public final class PostbusApi implements AutoCloseable {
    private static final Duration ANSWER_WAIT = Duration.ofSeconds(30);
    private static final int PAGE = 500;

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
    private final URI base;
    private final Secret key;

    /** @param api such as {@code http://127.0.0.1:8080} */
    public PostbusApi(URI api, Secret key) {
        this.base = api.resolve("/v1/");
        this.key = key;
    }

    /** @param body the missing node if the response is empty */
    public record Answer(int status, JsonNode body) {
        /** @throws IllegalStateException with status and body if the status is another */
        public JsonNode expect(int expected) {
            if (status != expected) {
                throw new IllegalStateException("expected " + expected + ", got " + status + " " + body);
            }
            return body;
        }
    }

    /** An account with an SMTP server, which can send. */
    public AccountId addImapAccount(James james, James.User user) {
        ObjectNode account = imapAccount(James.HOST, james.ports().imap(), user.address(), user.password());
        putServer(account, "smtp", James.HOST, james.ports().smtp());
        return added(account);
    }

    /** An account without an SMTP server, which cannot send. */
    public AccountId addImapAccount(String host, int port, String address, Secret password) {
        return added(imapAccount(host, port, address, password));
    }

    private static ObjectNode imapAccount(String host, int port, String address, Secret password) {
        ObjectNode account = account("imap", address, password);
        putServer(account, "imap", host, port);
        return account;
    }

    /** A server without TLS. */
    private static void putServer(ObjectNode account, String name, String host, int port) {
        account.putObject(name).put("host", host).put("port", port).put("tls", "none");
    }

    public AccountId addJmapAccount(James james, James.User user) {
        ObjectNode account = account("jmap", user.address(), user.password());
        account.putObject("jmap").put("sessionUrl", james.sessionUrl().toString());
        return added(account);
    }

    /** Paths of all methods are relative to {@code /v1/}. */
    public Answer get(String path) {
        return send("GET", path, null);
    }

    public Answer post(String path, Object body) {
        return send("POST", path, body);
    }

    public Answer patch(String path, Object body) {
        return send("PATCH", path, body);
    }

    public Answer delete(String path) {
        return send("DELETE", path, null);
    }

    /** The response's body is to be closed. Whoever reads it slowly has {@code answerMax} for the beginning only. */
    public HttpResponse<InputStream> open(String path, Duration answerMax) throws IOException, InterruptedException {
        return http.send(request(path).timeout(answerMax).build(), HttpResponse.BodyHandlers.ofInputStream());
    }

    /** All emails of the account, or of one mailbox, newest first. */
    public List<JsonNode> emails(AccountId account, String... mailboxId) {
        List<JsonNode> emails = new ArrayList<>();
        String filter = mailboxId.length == 0 ? "" : "&mailboxId=" + mailboxId[0];
        String cursor = "";
        while (true) {
            JsonNode page = get("accounts/" + account + "/emails?limit=" + PAGE + filter + cursor)
                    .expect(200);
            page.get("list").forEach(emails::add);
            if (!page.hasNonNull("next")) {
                return emails;
            }
            cursor = "&cursor=" + page.get("next").asText();
        }
    }

    /**
     * Patches an email and returns the mutation's id.
     *
     * @param patch by property ({@code keywords}, {@code mailboxIds}); false removes an entry, since {@code Map.of} has no null
     */
    public String mutate(AccountId account, String emailId, Map<String, Map<String, Boolean>> patch) {
        ObjectNode body = EventCodec.mapper().createObjectNode();
        patch.forEach((property, entries) -> {
            ObjectNode changes = body.putObject(property);
            entries.forEach((name, set) -> {
                if (set) {
                    changes.put(name, true);
                } else {
                    changes.putNull(name);
                }
            });
        });
        return patch("accounts/" + account + "/emails/" + emailId, body)
                .expect(202)
                .get("mutationId")
                .asText();
    }

    /** Opens a stream of {@code /v1/events}. */
    public LiveEvents listen() {
        HttpRequest request =
                request("events").header("Accept", "text/event-stream").build();
        try {
            HttpResponse<Stream<String>> response = http.send(request, HttpResponse.BodyHandlers.ofLines());
            if (response.statusCode() != 200) {
                throw new IllegalStateException("expected 200, got " + response.statusCode() + " from /v1/events");
            }
            return new LiveEvents(response.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
    }

    private static ObjectNode account(String protocol, String address, Secret password) {
        return EventCodec.mapper()
                .createObjectNode()
                .put("protocol", protocol)
                .put("email", address)
                .put("username", address)
                .put("password", password.reveal());
    }

    private AccountId added(ObjectNode account) {
        return AccountId.of(post("accounts", account).expect(201).get("id").asText());
    }

    private Answer send(String method, String path, Object body) {
        HttpRequest.BodyPublisher content = body == null
                ? HttpRequest.BodyPublishers.noBody()
                : HttpRequest.BodyPublishers.ofByteArray(EventCodec.encode(body));
        HttpRequest request = request(path)
                .timeout(ANSWER_WAIT)
                .header("Content-Type", method.equals("PATCH") ? "application/merge-patch+json" : "application/json")
                .method(method, content)
                .build();
        try {
            HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
            return new Answer(response.statusCode(), EventCodec.mapper().readTree(response.body()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(base.resolve(path)).header("Authorization", "Bearer " + key.reveal());
    }
}
