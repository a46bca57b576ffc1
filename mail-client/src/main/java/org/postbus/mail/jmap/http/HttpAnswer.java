package org.postbus.mail.jmap.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import org.postbus.codec.EventCodec;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/** An answer with its whole body. */
record HttpAnswer(URI url, int status, MultiMap headers, Buffer body) {
    Optional<String> header(CharSequence name) {
        return Optional.ofNullable(headers.get(name));
    }

    /** Missing if the body is not JSON. */
    JsonNode jsonOrMissing() {
        try {
            JsonNode json = EventCodec.mapper().readTree(body.getBytes());
            return json == null ? MissingNode.getInstance() : json;
        } catch (IOException notJson) {
            return MissingNode.getInstance();
        }
    }

    /** @throws ServerException {@link ServerFailure.Unreachable} if the body is not JSON */
    JsonNode json() {
        try {
            return EventCodec.mapper().readTree(body.getBytes());
        } catch (IOException notJson) {
            // Without the cause, whose text contains a part of the answer.
            throw new ServerException(new ServerFailure.Unreachable(
                    url.getHost() + " answers " + contentKind() + " where JSON is expected"));
        }
    }

    private String contentKind() {
        String start = body.getString(0, Math.min(body.length(), 256)).strip().toLowerCase(Locale.ROOT);
        return start.isEmpty()
                ? "nothing"
                : start.startsWith("<") ? "a web page" : start.startsWith("{") ? "broken JSON" : "something else";
    }

    ServerFailure failure(Instant now) {
        return HttpFailures.ofStatus(status, header(HttpHeaders.RETRY_AFTER), jsonOrMissing(), now);
    }
}
