package org.postbus.mail.smtp;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.ScheduledFuture;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.NetSocket;
import io.vertx.core.net.impl.NetSocketInternal;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.ConnectionErrors;

/**
 * Waits for the greeting of a server before Vert.x Mail gets the connection. Vert.x Mail reports nothing if the connection ends before the greeting, and
 * takes what another protocol says for a reply, whose text would then be shown. Only a 220 shows that this is SMTP.
 */
final class SmtpGreeting extends ChannelInboundHandlerAdapter {
    /** RFC 5321 section 4.5.3.2.1 allows 5 minutes; servers that make senders wait let them wait for half a minute. */
    private static final Duration GREETING_MAX = Duration.ofSeconds(60);

    private static final int CODE_OCTETS = 4;
    private static final Pattern REFUSAL = Pattern.compile("[45][0-9]{2}[ \\r-]");
    private static final Pattern GREETING = Pattern.compile("220[ \\r-]");

    private final Promise<NetSocket> greeted;
    private final NetSocket socket;
    private ByteBuf received;
    private ScheduledFuture<?> timeout;

    private SmtpGreeting(NetSocket socket, Promise<NetSocket> greeted) {
        this.socket = socket;
        this.greeted = greeted;
    }

    /** Must be called on the socket's context, before anything was received. */
    static Future<NetSocket> awaitOn(NetSocket socket) {
        Promise<NetSocket> greeted = Promise.promise();
        ChannelHandlerContext last = ((NetSocketInternal) socket).channelHandlerContext();
        last.pipeline().addBefore(last.name(), "smtp-greeting", new SmtpGreeting(socket, greeted));
        return greeted.future();
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        received = context.alloc().buffer();
        timeout = context.executor()
                .schedule(
                        () -> fail(context, "the server sent no greeting; if it expects TLS on this port, choose TLS"),
                        GREETING_MAX.toMillis(),
                        TimeUnit.MILLISECONDS);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        timeout.cancel(false);
        received.release();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!(message instanceof ByteBuf octets)) {
            context.fireChannelRead(message);
            return;
        }
        received.writeBytes(octets);
        octets.release();
        if (received.readableBytes() < CODE_OCTETS) {
            return;
        }
        String code = received.toString(0, CODE_OCTETS, StandardCharsets.ISO_8859_1);
        if (GREETING.matcher(code).matches()) {
            socket.pause();
            context.fireChannelRead(received.retain());
            context.pipeline().remove(this);
            greeted.complete(resumedByHandler(socket));
        } else if (REFUSAL.matcher(code).matches()) {
            fail(context, "the server refuses the connection (SMTP " + code.substring(0, 3) + ")");
        } else if (ConnectionErrors.isTlsRecord(received.getByte(0), received.getByte(1))) {
            fail(context, "the server speaks TLS on a port that is configured without TLS");
        } else {
            fail(context, "the server speaks another protocol (not SMTP)");
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        fail(context, "the connection was closed before the greeting");
        context.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        fail(context, ConnectionErrors.sentence(cause));
    }

    private void fail(ChannelHandlerContext context, String words) {
        if (greeted.tryFail(new ServerException(new ServerFailure.Unreachable(words)))) {
            context.close();
        }
    }

    /**
     * The greeting waits in the paused socket until Vert.x Mail has set its handler; it does so at a time of its own. Replies are limited, because
     * Vert.x Mail does not limit them.
     */
    private static NetSocket resumedByHandler(NetSocket socket) {
        LimitedReplies replies = new LimitedReplies(socket);
        return (NetSocket) Proxy.newProxyInstance(
                NetSocket.class.getClassLoader(), new Class<?>[] {NetSocket.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("handler") && arguments[0] != null) {
                        @SuppressWarnings("unchecked")
                        Handler<Buffer> handler = (Handler<Buffer>) arguments[0];
                        socket.handler(replies.before(handler)).resume();
                        return proxy;
                    }
                    if (method.getName().equals("exceptionHandler")) {
                        @SuppressWarnings("unchecked")
                        Handler<Throwable> failed = (Handler<Throwable>) arguments[0];
                        replies.failuresTo(failed);
                    }
                    try {
                        Object result = method.invoke(socket, arguments);
                        return result == socket ? proxy : result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
