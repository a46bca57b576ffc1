package org.postbus.mail.jmap.http;

import io.netty.handler.codec.CodecException;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.NetSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Locale;

/**
 * A WebSocket (RFC 6455) on an upgraded HTTP connection, for text messages. Vert.x's own resolves the host by itself, so it could not be tied to
 * a checked address. Handlers run on the connection's context; the other methods may be called by any thread.
 */
public final class ClientWebSocket {
    private static final String ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Context context;
    private final NetSocket socket;
    private final WebSocketFrames frames = new WebSocketFrames();
    private Handler<String> text = message -> {};
    private Handler<Void> pong = nothing -> {};
    private Handler<Throwable> ended = cause -> {};
    private boolean over;

    private ClientWebSocket(Context context, NetSocket socket) {
        this.context = context;
        this.socket = socket;
    }

    /** What a request to upgrade must say, and what its answer must say then (RFC 6455 section 4.1). */
    record Handshake(String key, String subprotocol) {
        static Handshake of(String subprotocol) {
            byte[] key = new byte[16];
            RANDOM.nextBytes(key);
            return new Handshake(Base64.getEncoder().encodeToString(key), subprotocol);
        }

        void addTo(RequestOptions head) {
            head.putHeader(HttpHeaders.CONNECTION, "Upgrade")
                    .putHeader(HttpHeaders.UPGRADE, "websocket")
                    .putHeader("Sec-WebSocket-Version", "13")
                    .putHeader("Sec-WebSocket-Key", key)
                    .putHeader("Sec-WebSocket-Protocol", subprotocol);
        }

        boolean isAnsweredBy(MultiMap headers) {
            return "websocket".equals(lower(headers.get(HttpHeaders.UPGRADE)))
                    && accept().equals(headers.get("Sec-WebSocket-Accept"))
                    && subprotocol.equals(headers.get("Sec-WebSocket-Protocol"))
                    && headers.get("Sec-WebSocket-Extensions") == null;
        }

        String accept() {
            try {
                byte[] hash = MessageDigest.getInstance("SHA-1")
                        .digest((key + ACCEPT_SUFFIX).getBytes(StandardCharsets.US_ASCII));
                return Base64.getEncoder().encodeToString(hash);
            } catch (NoSuchAlgorithmException everyPlatformHasIt) {
                throw new IllegalStateException(everyPlatformHasIt);
            }
        }

        private static String lower(String value) {
            return value == null ? "" : value.toLowerCase(Locale.ROOT);
        }
    }

    /** Takes over the connection of a response with status 101, on its context. */
    static ClientWebSocket on(Context context, HttpClientResponse upgraded) {
        ClientWebSocket opened = new ClientWebSocket(context, upgraded.netSocket());
        opened.socket.handler(opened::received);
        opened.socket.exceptionHandler(opened::end);
        opened.socket.closeHandler(closed -> opened.end(new IOException("closed")));
        return opened;
    }

    /** Called with each message. */
    public void textHandler(Handler<String> handler) {
        text = handler;
    }

    public void pongHandler(Handler<Void> handler) {
        pong = handler;
    }

    /** Called once, when the connection has ended without {@link #close}. */
    public void endHandler(Handler<Throwable> handler) {
        ended = handler;
    }

    public void sendText(String message) {
        context.runOnContext(go -> send(new TextWebSocketFrame(message)));
    }

    public void sendPing() {
        context.runOnContext(go -> send(new PingWebSocketFrame()));
    }

    public void close() {
        context.runOnContext(go -> {
            if (!over) {
                send(new CloseWebSocketFrame());
                finish();
            }
        });
    }

    private void received(Buffer octets) {
        if (over) {
            return;
        }
        try {
            for (WebSocketFrame frame : frames.received(octets)) {
                try {
                    take(frame);
                } finally {
                    frame.release();
                }
            }
        } catch (CodecException violation) {
            end(violation);
        }
    }

    private void take(WebSocketFrame frame) {
        switch (frame) {
            case TextWebSocketFrame message -> text.handle(message.text());
            case PingWebSocketFrame ping -> {
                // RFC 6455 section 5.5.3: only the latest ping has to be answered. A server that sends pings and does
                // not
                // read would fill the memory with answers.
                if (!socket.writeQueueFull()) {
                    send(new PongWebSocketFrame(ping.content().retain()));
                }
            }
            case PongWebSocketFrame answer -> pong.handle(null);
            case CloseWebSocketFrame close -> {
                send(new CloseWebSocketFrame());
                end(new IOException("closed"));
            }
            // Binary messages have no meaning in JMAP.
            default -> {}
        }
    }

    private void send(WebSocketFrame frame) {
        if (over) {
            frame.release();
            return;
        }
        socket.write(frames.encoded(frame)).onFailure(this::end);
    }

    private void end(Throwable cause) {
        if (!over) {
            finish();
            ended.handle(cause);
        }
    }

    private void finish() {
        over = true;
        frames.release();
        socket.close();
    }
}
