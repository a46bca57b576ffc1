package org.postbus.mail.jmap;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.MultiEmitter;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.UpgradeRejectedException;
import io.vertx.core.http.WebSocket;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.postbus.event.EventCodec;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/** Push over a WebSocket (RFC 8887 section 4.3.5). Nothing else is asked over it. */
public final class JmapWebSocket {
    /** The code of the {@link org.postbus.mail.ServerFailure.Rejected} that says: this server pushes nothing over a WebSocket. */
    public static final String NOT_OFFERED = "websocket-not-offered";

    /** A reader that does not take this many is broken. */
    private static final int UNREAD_MAX = 256;

    private static final double SILENCE_IN_PINGS = 2.5;

    private JmapWebSocket() {}

    /**
     * Connects when subscribed to and disconnects when cancelled. It never completes: it fails with
     * {@link org.postbus.mail.ServerFailure.Unreachable} when the connection ends or when 2.5 pings pass without a word, and with
     * {@code Rejected(NOT_OFFERED)} if the server does not offer it. Connecting again is the caller's loop; the server is then told
     * the last push state that this client has seen. What it does with that is not relied on.
     *
     * @param types such as {@code Email}, {@code Mailbox}
     * @param ping how often the server is asked for a sign of life
     */
    public static Multi<JmapPush> open(JmapClient client, List<String> types, Duration ping) {
        return Multi.createFrom()
                .emitter(
                        emitter -> {
                            Optional<URI> url = client.session().webSocketUrl();
                            if (url.isEmpty()) {
                                emitter.fail(notOffered("the session names no WebSocket for push"));
                                return;
                            }
                            new Connection(client, url.get(), emitter, types, ping).start();
                        },
                        UNREAD_MAX);
    }

    private static ServerException notOffered(String text) {
        return new ServerException(new ServerFailure.Rejected(NOT_OFFERED, text));
    }

    private static String enabling(List<String> types, String pushState) {
        ObjectNode enable = JsonNodeFactory.instance.objectNode().put("@type", "WebSocketPushEnable");
        ArrayNode names = enable.putArray("dataTypes");
        types.forEach(names::add);
        if (!pushState.isEmpty()) {
            enable.put("pushState", pushState);
        }
        return enable.toString();
    }

    /** One connection, guarded by itself. */
    private static final class Connection {
        private final JmapClient client;
        private final Vertx vertx;
        private final URI url;
        private final MultiEmitter<? super JmapPush> emitter;
        private final List<String> types;
        private final Duration ping;
        private long pinging = -1;
        private long watchdog = -1;
        private WebSocket socket;
        private boolean over;

        Connection(
                JmapClient client, URI url, MultiEmitter<? super JmapPush> emitter, List<String> types, Duration ping) {
            this.client = client;
            this.vertx = client.http().vertx();
            this.url = url;
            this.emitter = emitter;
            this.types = types;
            this.ping = ping;
        }

        synchronized void start() {
            emitter.onTermination(this::end);
            client.http().openWebSocket(url).onFailure(this::fail).onSuccess(this::talk);
        }

        private synchronized void talk(WebSocket opened) {
            socket = opened;
            if (over) {
                opened.close();
                return;
            }
            opened.exceptionHandler(this::fail);
            opened.closeHandler(closed -> fail(new IOException("the WebSocket was closed")));
            opened.pongHandler(pong -> watch());
            opened.textMessageHandler(this::take);
            opened.writeTextMessage(enabling(types, client.lastPushState())).onFailure(this::fail);
            pinging = vertx.setPeriodic(
                    ping.toMillis(), id -> opened.writePing(Buffer.buffer()).onFailure(this::fail));
            watch();
            emitter.emit(new JmapPush.Opened());
        }

        private synchronized void take(String message) {
            if (over) {
                return;
            }
            watch();
            try {
                JsonNode json = EventCodec.mapper().readTree(message);
                if (json.path("@type").asText().equals("RequestError")) {
                    fail(notOffered("the server refuses to push: "
                            + JmapFailures.cut(json.path("type").asText(""))));
                    return;
                }
                JmapEventSource.push(json).ifPresent(emitter::emit);
                client.sawPushState(json.path("pushState").asText(""));
            } catch (IOException notJson) {
                // Without the cause: its text holds a piece of the message.
                fail(new IOException("the WebSocket sends a message that is not JSON"));
            }
        }

        private synchronized void watch() {
            vertx.cancelTimer(watchdog);
            if (!over) {
                Duration silence = Duration.ofMillis((long) (ping.toMillis() * SILENCE_IN_PINGS));
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
                emitter.fail(failure(cause));
            }
        }

        private ServerException failure(Throwable cause) {
            return switch (cause) {
                case ServerException known -> known;
                case UpgradeRejectedException refused -> refusal(refused.getStatus());
                default -> JmapHttp.unreachable(url, cause);
            };
        }

        private static ServerException refusal(int status) {
            ServerFailure failure = JmapFailures.ofStatus(
                    status,
                    Optional.empty(),
                    EventCodec.mapper().getNodeFactory().missingNode(),
                    Instant.now());
            boolean never = failure instanceof ServerFailure.Rejected || status == 501 || status / 100 == 2;
            return never ? notOffered("HTTP " + status) : new ServerException(failure);
        }

        private synchronized void end() {
            over = true;
            vertx.cancelTimer(pinging);
            vertx.cancelTimer(watchdog);
            if (socket != null) {
                socket.close();
            }
        }
    }
}
