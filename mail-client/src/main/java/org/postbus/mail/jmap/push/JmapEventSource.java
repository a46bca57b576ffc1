package org.postbus.mail.jmap.push;

import com.fasterxml.jackson.databind.JsonNode;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.MultiEmitter;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.jmap.codec.ServerJson;
import org.postbus.mail.jmap.codec.UriTemplates;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapHttp;

/** Push over an event source (RFC 8620 section 7.3). */
public final class JmapEventSource {
    private JmapEventSource() {}

    /**
     * Opens the stream on subscription and closes it on cancellation. It never completes: it fails with {@link
     * org.postbus.mail.ServerFailure.Unreachable} when the stream ends or when nothing arrives for 2.5 ping intervals,
     * and with {@code Rejected(JmapPush.NOT_OFFERED)} if the server offers no event source. The caller opens it again;
     * the client then sends the id of the last event, and does not depend on what the server does with it.
     *
     * @param types such as {@code Email}, {@code Mailbox}
     * @param ping requested interval, in whole seconds; if the server chooses another, that one applies
     */
    public static Multi<JmapPush> open(JmapClient client, List<String> types, Duration ping) {
        return PushConnection.stream(emitter -> new Stream(client, url(client, types, ping), emitter, types, ping));
    }

    private static URI url(JmapClient client, List<String> types, Duration ping) {
        String template = client.session()
                .eventSourceUrl()
                .orElseThrow(() -> PushConnection.notOffered("the session has no eventSourceUrl"));
        String pingSeconds = Long.toString(Math.max(1, ping.toSeconds()));
        return URI.create(UriTemplates.expand(
                template, Map.of("types", String.join(",", types), "closeafter", "no", "ping", pingSeconds)));
    }

    private static final class Stream extends PushConnection {
        private final EventStreamParser parser = new EventStreamParser();
        private Duration ping;
        private JmapHttp.OpenResponse open;

        Stream(JmapClient client, URI url, MultiEmitter<? super JmapPush> emitter, List<String> types, Duration ping) {
            super(client, url, emitter, types);
            this.ping = ping;
        }

        @Override
        void connect(URI url) {
            client.http()
                    .openEvents(url, client.lastEventId())
                    .onFailure(this::fail)
                    .onSuccess(this::read);
        }

        private synchronized void read(JmapHttp.OpenResponse response) {
            if (isOver()) {
                response.discard();
                return;
            }
            open = response;
            HttpClientResponse stream = response.response();
            String type = stream.getHeader(HttpHeaders.CONTENT_TYPE);
            if (stream.statusCode() != 200) {
                fail(refusal(stream.statusCode(), Optional.ofNullable(stream.getHeader(HttpHeaders.RETRY_AFTER))));
            } else if (type == null || !type.startsWith("text/event-stream")) {
                fail("the event source answers with another type than text/event-stream");
            } else {
                watch(ping);
                opened();
                stream.exceptionHandler(this::fail);
                stream.endHandler(done -> fail("the event source ended"));
                stream.handler(this::take);
                stream.resume();
            }
        }

        private synchronized void take(Buffer chunk) {
            if (isOver()) {
                return;
            }
            try {
                for (EventStreamParser.Event event : parser.feed(chunk.getBytes())) {
                    JsonNode data = ServerJson.parse(event.data());
                    long pingSeconds = data.path("interval").asLong(0);
                    if (event.type().equals("ping") && pingSeconds > 0) {
                        ping = Duration.ofSeconds(Math.min(pingSeconds, 3600));
                    }
                    said(data);
                }
                client.sawEvent(parser.lastEventId());
                watch(ping);
            } catch (IOException notJson) {
                // Without the cause, whose text contains a part of the answer.
                fail("the event source sends an event that is not JSON");
            } catch (ServerException tooLong) {
                fail(tooLong);
            }
        }

        @Override
        void disconnect() {
            if (open != null) {
                open.discard();
            }
        }
    }
}
