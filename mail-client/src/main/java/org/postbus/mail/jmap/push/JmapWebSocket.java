package org.postbus.mail.jmap.push;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.MultiEmitter;
import io.vertx.core.http.UpgradeRejectedException;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.codec.ServerJson;
import org.postbus.mail.jmap.http.ClientWebSocket;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapHttp;
import org.postbus.mail.jmap.method.JmapFailures;

/** Push over a WebSocket (RFC 8887 section 4.3.5). It is used for nothing else. */
public final class JmapWebSocket {
    private JmapWebSocket() {}

    /**
     * Connects on subscription and disconnects on cancellation. It never completes: it fails with {@link
     * org.postbus.mail.ServerFailure.Unreachable} when the connection ends or when nothing arrives for 2.5 pings, and
     * with {@code Rejected(JmapPush.NOT_OFFERED)} if the server offers no push over a WebSocket. The caller connects
     * again; the client then sends the last push state, and does not depend on what the server does with it.
     *
     * @param types such as {@code Email}, {@code Mailbox}
     * @param ping interval of the pings that this client sends
     */
    public static Multi<JmapPush> open(JmapClient client, List<String> types, Duration ping) {
        return PushConnection.stream(emitter -> new Connection(
                client,
                client.session()
                        .webSocketUrl()
                        .orElseThrow(() -> PushConnection.notOffered("the session names no WebSocket for push")),
                emitter,
                types,
                ping));
    }

    private static final class Connection extends PushConnection {
        private final Duration ping;
        private long pinging = -1;
        private ClientWebSocket socket;

        Connection(
                JmapClient client, URI url, MultiEmitter<? super JmapPush> emitter, List<String> types, Duration ping) {
            super(client, url, emitter, types);
            this.ping = ping;
        }

        @Override
        void connect(URI url) {
            client.http().openWebSocket(url).onFailure(this::refused).onSuccess(this::talk);
        }

        private void refused(Throwable cause) {
            fail(
                    cause instanceof UpgradeRejectedException refused
                            ? refusal(refused.getStatus(), Optional.empty())
                            : cause);
        }

        private synchronized void talk(ClientWebSocket opened) {
            socket = opened;
            if (isOver()) {
                opened.close();
                return;
            }
            opened.endHandler(this::broken);
            opened.pongHandler(pong -> watch(ping));
            opened.textHandler(this::take);
            opened.sendText(enabling());
            pinging = client.http().vertx().setPeriodic(ping.toMillis(), id -> opened.sendPing());
            watch(ping);
            opened();
        }

        private void broken(Throwable cause) {
            boolean tooLong = cause instanceof CorruptedWebSocketFrameException frame
                            && frame.closeStatus() == WebSocketCloseStatus.MESSAGE_TOO_BIG
                    || cause instanceof TooLongFrameException;
            fail(
                    tooLong
                            ? new ServerException(
                                    new ServerFailure.LimitExceeded("the WebSocket sends a message of more than "
                                            + JmapHttp.WEB_SOCKET_MESSAGE_BYTES_MAX + " bytes"))
                            : cause);
        }

        private String enabling() {
            ObjectNode enable = JsonNodeFactory.instance.objectNode().put("@type", "WebSocketPushEnable");
            ArrayNode names = enable.putArray("dataTypes");
            types.forEach(names::add);
            if (!client.lastPushState().isEmpty()) {
                enable.put("pushState", client.lastPushState());
            }
            return enable.toString();
        }

        private synchronized void take(String message) {
            if (isOver()) {
                return;
            }
            watch(ping);
            try {
                JsonNode json = ServerJson.parse(message);
                if (json.path("@type").asText().equals("RequestError")) {
                    fail(notOffered("the server refuses to push: "
                            + JmapFailures.cut(json.path("type").asText(""))));
                    return;
                }
                said(json);
                client.sawPushState(json.path("pushState").asText(""));
            } catch (IOException notJson) {
                // Without the cause, whose text contains a part of the message.
                fail("the WebSocket sends a message that is not JSON");
            }
        }

        @Override
        void disconnect() {
            client.http().vertx().cancelTimer(pinging);
            if (socket != null) {
                socket.close();
            }
        }
    }
}
