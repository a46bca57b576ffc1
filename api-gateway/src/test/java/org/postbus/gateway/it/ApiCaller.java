package org.postbus.gateway.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;
import org.postbus.codec.EventCodec;

/**
 * Calls the API with one key, or with none.
 *
 * @param from the address that a proxy says the client has
 */
record ApiCaller(HttpClient http, URI url, Optional<String> key, Optional<String> from) {
    static final String JSON = "application/json";
    private static final Duration ANSWER_MAX = Duration.ofSeconds(20);

    ApiCaller(HttpClient http, URI url, Optional<String> key) {
        this(http, url, key, Optional.empty());
    }

    ApiCaller from(String address) {
        return new ApiCaller(http, url, key, Optional.of(address));
    }

    ApiCaller withKey(String text) {
        return new ApiCaller(http, url, Optional.of(text), from);
    }

    record Answer(int status, String contentType, JsonNode json, HttpResponse<String> response) {}

    Answer get(String path) {
        return call("GET", path, null);
    }

    Answer call(String method, String path, String body) {
        return call(method, path, body, JSON);
    }

    Answer call(String method, String path, String body, String contentType) {
        return call(method, path, body, contentType, Optional.empty());
    }

    Answer call(String method, String path, String body, String contentType, Optional<String> idempotencyKey) {
        HttpRequest.Builder request = request(path)
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .timeout(ANSWER_MAX);
        if (body != null) {
            request.header("Content-Type", contentType);
        }
        idempotencyKey.ifPresent(text -> request.header("Idempotency-Key", text));
        try {
            HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            String type = response.headers().firstValue("Content-Type").orElse("");
            JsonNode json = type.contains("json")
                    ? EventCodec.decode(response.body(), JsonNode.class)
                    : MissingNode.getInstance();
            return new Answer(response.statusCode(), type, json, response);
        } catch (IOException e) {
            throw new AssertionError(method + " " + path, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    /** @param path sent as it is, without being normalized */
    HttpRequest.Builder request(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path));
        key.ifPresent(text -> request.header("Authorization", "Bearer " + text));
        from.ifPresent(address -> request.header("X-Forwarded-For", address));
        return request;
    }
}
