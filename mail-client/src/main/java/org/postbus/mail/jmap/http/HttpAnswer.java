package org.postbus.mail.jmap.http;

import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.netty.buffer.ByteBuf;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.codec.ServerJson;

/** An answer with its whole body. */
record HttpAnswer(URI url, int status, MultiMap headers, Buffer body) {
    /** The body of an answer that is an error is read up to this size. */
    private static final int ERROR_BYTES_MAX = 64 * 1024;

    Optional<String> header(CharSequence name) {
        return Optional.ofNullable(headers.get(name));
    }

    /** Missing if the body is not JSON, or too large for an error. */
    JsonNode jsonOrMissing() {
        try {
            JsonNode json = body.length() > ERROR_BYTES_MAX ? null : parsed();
            return json == null ? MissingNode.getInstance() : json;
        } catch (IOException notJson) {
            return MissingNode.getInstance();
        }
    }

    /**
     * About the bytes of memory that it takes to read the body. Takes a few milliseconds for each MiB.
     *
     * @throws ServerException {@link ServerFailure.LimitExceeded} if that is too much
     */
    long bytesToRead() {
        return bytesToRead(url.getHost());
    }

    private long bytesToRead(String host) {
        ByteBuf octets = body.getByteBuf();
        long bytes = ServerJson.bytesToRead(octets.array(), octets.arrayOffset() + octets.readerIndex(), body.length());
        if (bytes > ServerJson.BYTES_TO_READ_MAX) {
            throw new ServerException(new ServerFailure.LimitExceeded(host
                    + " answers with so many values that it takes more than " + ServerJson.BYTES_TO_READ_MAX
                    + " bytes to read them"));
        }
        return bytes;
    }

    /**
     * @throws ServerException {@link ServerFailure.Unreachable} if the body is not JSON, {@link ServerFailure.LimitExceeded} if
     *     it takes too much memory to read, or is nested too deep
     */
    JsonNode json() {
        return json(url.getHost());
    }

    /** @param host how the server is called in a failure */
    JsonNode json(String host) {
        bytesToRead(host);
        return checkedJson(host);
    }

    /** As {@link #json}, after {@link #bytesToRead}. */
    JsonNode checkedJson() {
        return checkedJson(url.getHost());
    }

    private JsonNode checkedJson(String host) {
        try {
            return parsed();
        } catch (StreamConstraintsException tooMuch) {
            throw new ServerException(new ServerFailure.LimitExceeded(
                    host + " answers with JSON that is nested too deep or has a number or name that is too long"));
        } catch (IOException notJson) {
            // Without the cause, whose text contains a part of the answer.
            throw new ServerException(
                    new ServerFailure.Unreachable(host + " answers " + contentKind() + " where JSON is expected"));
        }
    }

    private JsonNode parsed() throws IOException {
        ByteBuf octets = body.getByteBuf();
        return ServerJson.parse(octets.array(), octets.arrayOffset() + octets.readerIndex(), body.length());
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
