package org.postbus.mail.jmap;

import com.fasterxml.jackson.databind.JsonNode;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.MultiEmitter;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.event.EventCodec;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/** Push over an event source (RFC 8620 section 7.3). */
public final class JmapEventSource {
    /** The code of the {@link org.postbus.mail.ServerFailure.Rejected} that says: this server has no event source; poll. */
    public static final String NOT_OFFERED = "event-source-not-offered";

    /** A reader that does not take this many is broken. */
    private static final int UNREAD_MAX = 256;

    private static final double SILENCE_IN_PINGS = 2.5;

    private JmapEventSource() {}

    /**
     * Opens the stream when subscribed to and closes it when cancelled. It never completes: it fails with
     * {@link org.postbus.mail.ServerFailure.Unreachable} when it ends or when 2.5 ping intervals pass in silence, and with
     * {@code Rejected(NOT_OFFERED)} if the server does not offer it. Opening it again is the caller's loop; the server is then told
     * which event was the last that this client has seen. What it does with that is not relied on.
     *
     * @param types such as {@code Email}, {@code Mailbox}
     * @param ping asked for, in whole seconds; the server may choose another interval, which is then the one that counts
     */
    public static Multi<JmapPush> open(JmapClient client, List<String> types, Duration ping) {
        return Multi.createFrom()
                .emitter(
                        emitter -> {
                            Optional<String> template = client.session().eventSourceUrl();
                            if (template.isEmpty()) {
                                emitter.fail(notOffered("the session has no eventSourceUrl"));
                                return;
                            }
                            URI url = URI.create(UriTemplates.expand(
                                    template.get(),
                                    Map.of(
                                            "types",
                                            String.join(",", types),
                                            "closeafter",
                                            "no",
                                            "ping",
                                            Long.toString(Math.max(1, ping.toSeconds())))));
                            new Stream(client, url, emitter, ping).start();
                        },
                        UNREAD_MAX);
    }

    private static ServerException notOffered(String text) {
        return new ServerException(new ServerFailure.Rejected(NOT_OFFERED, text));
    }

    /** What an event, or a message of a WebSocket, means; empty for a ping and for what is not known. */
    static Optional<JmapPush> push(JsonNode data) {
        JsonNode changed = data.path("changed");
        if (!changed.isObject()) {
            return Optional.empty();
        }
        Map<String, Map<String, String>> accounts = new LinkedHashMap<>();
        changed.fields().forEachRemaining(account -> {
            Map<String, String> states = new LinkedHashMap<>();
            account.getValue()
                    .fields()
                    .forEachRemaining(
                            type -> states.put(type.getKey(), type.getValue().asText("")));
            accounts.put(account.getKey(), Map.copyOf(states));
        });
        return Optional.of(new JmapPush.StateChange(accounts));
    }

    /** One connection. All but {@link #start} happens on the request's event loop, or is guarded by it. */
    private static final class Stream {
        private final JmapClient client;
        private final Vertx vertx;
        private final URI url;
        private final MultiEmitter<? super JmapPush> emitter;
        private final EventStreamParser parser = new EventStreamParser();
        private Duration silenceMax;
        private long watchdog = -1;
        private JmapHttp.OpenResponse open;
        private boolean over;

        Stream(JmapClient client, URI url, MultiEmitter<? super JmapPush> emitter, Duration ping) {
            this.client = client;
            this.vertx = client.http().vertx();
            this.url = url;
            this.emitter = emitter;
            this.silenceMax = silence(ping.toMillis());
        }

        private static Duration silence(long pingMs) {
            return Duration.ofMillis((long) (Math.max(pingMs, 100) * SILENCE_IN_PINGS));
        }

        synchronized void start() {
            emitter.onTermination(this::end);
            client.http()
                    .openEvents(url, client.lastEventId())
                    .onFailure(this::fail)
                    .onSuccess(this::read);
        }

        private synchronized void read(JmapHttp.OpenResponse response) {
            if (over) {
                response.discard();
                return;
            }
            open = response;
            HttpClientResponse stream = response.response();
            String type = stream.getHeader(HttpHeaders.CONTENT_TYPE);
            switch (stream.statusCode()) {
                case 200 -> {
                    if (type != null && type.startsWith("text/event-stream")) {
                        watch(silenceMax);
                        emitter.emit(new JmapPush.Opened());
                        stream.exceptionHandler(this::fail);
                        stream.endHandler(done -> fail(new IOException("the event source ended")));
                        stream.handler(this::take);
                        stream.resume();
                    } else {
                        fail(new IOException("the event source answers " + type));
                    }
                }
                case 204, 404, 405, 501 -> fail(notOffered("HTTP " + stream.statusCode()));
                default ->
                    fail(new ServerException(JmapFailures.ofStatus(
                            stream.statusCode(),
                            Optional.ofNullable(stream.getHeader(HttpHeaders.RETRY_AFTER)),
                            EventCodec.mapper().getNodeFactory().missingNode(),
                            Instant.now())));
            }
        }

        private synchronized void take(Buffer chunk) {
            if (over) {
                return;
            }
            try {
                for (EventStreamParser.Event event : parser.feed(chunk.getBytes())) {
                    JsonNode data = EventCodec.mapper().readTree(event.data());
                    long pingSeconds = data.path("interval").asLong(0);
                    if (event.type().equals("ping") && pingSeconds > 0) {
                        silenceMax = silence(
                                Duration.ofSeconds(Math.min(pingSeconds, 3600)).toMillis());
                    }
                    push(data).ifPresent(emitter::emit);
                }
                client.sawEvent(parser.lastEventId());
                watch(silenceMax);
            } catch (IOException notJson) {
                // Without the cause: its text holds a piece of the answer.
                fail(new IOException("the event source sends an event that is not JSON"));
            } catch (ServerException tooLong) {
                fail(tooLong);
            }
        }

        private synchronized void watch(Duration silence) {
            vertx.cancelTimer(watchdog);
            if (!over) {
                watchdog =
                        vertx.setTimer(silence.toMillis(), id -> fail(new IOException("nothing heard for " + silence)));
            }
        }

        private void fail(Throwable cause) {
            boolean first;
            synchronized (this) {
                first = !over;
            }
            end();
            if (first) {
                emitter.fail(cause instanceof ServerException ? cause : JmapHttp.unreachable(url, cause));
            }
        }

        private synchronized void end() {
            over = true;
            vertx.cancelTimer(watchdog);
            if (open != null) {
                open.discard();
            }
        }
    }
}
