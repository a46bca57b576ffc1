package org.postbus.mail.jmap.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.CodecException;
import io.netty.handler.codec.http.websocketx.Utf8FrameValidator;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameDecoder;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameEncoder;
import io.netty.handler.codec.http.websocketx.WebSocketDecoderConfig;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrameAggregator;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Octets to WebSocket frames and back, as a client (RFC 6455 section 5), with netty's codec and without I/O. Messages in several frames are put
 * together. Not thread-safe.
 */
final class WebSocketFrames {
    private final EmbeddedChannel codec = new EmbeddedChannel(
            new WebSocket13FrameEncoder(true),
            new WebSocket13FrameDecoder(WebSocketDecoderConfig.newBuilder()
                    .expectMaskedFrames(false)
                    .allowExtensions(false)
                    .allowMaskMismatch(false)
                    .maxFramePayloadLength(JmapHttp.WEB_SOCKET_MESSAGE_BYTES_MAX)
                    .closeOnProtocolViolation(false)
                    .build()),
            new Utf8FrameValidator(false),
            new WebSocketFrameAggregator(JmapHttp.WEB_SOCKET_MESSAGE_BYTES_MAX));

    /**
     * The frames that are complete; the caller releases them.
     *
     * @throws CodecException if the server breaks the protocol or a limit
     */
    List<WebSocketFrame> received(Buffer octets) {
        codec.writeInbound(Unpooled.wrappedBuffer(octets.getBytes()));
        List<WebSocketFrame> frames = new ArrayList<>();
        for (WebSocketFrame frame = codec.readInbound(); frame != null; frame = codec.readInbound()) {
            frames.add(frame);
        }
        return frames;
    }

    /** Takes over the frame. */
    Buffer encoded(WebSocketFrame frame) {
        codec.writeOutbound(frame);
        Buffer octets = Buffer.buffer();
        for (ByteBuf part = codec.readOutbound(); part != null; part = codec.readOutbound()) {
            octets.appendBuffer(Buffer.buffer(part));
            part.release();
        }
        return octets;
    }

    /** Releases what was not read. */
    void release() {
        codec.finishAndReleaseAll();
    }
}
