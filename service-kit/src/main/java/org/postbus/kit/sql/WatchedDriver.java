package org.postbus.kit.sql;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.impl.CloseFuture;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.impl.NetClientImpl;
import io.vertx.pgclient.impl.PgConnectionFactory;
import io.vertx.pgclient.spi.PgDriver;
import io.vertx.sqlclient.SqlConnectOptions;
import io.vertx.sqlclient.spi.ConnectionFactory;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * PostgreSQL's driver, whose connections are closed when they have received nothing for a time, also during the login.
 *
 * <p>The idle timeouts of {@code PgConnectOptions} do not close one: the driver answers a close by sending a last message and waits for the server to
 * close, which a server that has vanished or hangs never does. Here the socket itself is closed, and everything that waited for it fails.
 */
final class WatchedDriver extends PgDriver {
    private final Duration silenceMax;

    WatchedDriver(Duration silenceMax) {
        this.silenceMax = silenceMax;
    }

    @Override
    public ConnectionFactory createConnectionFactory(
            Vertx vertx, Supplier<? extends Future<? extends SqlConnectOptions>> servers) {
        return new WatchedFactory((VertxInternal) vertx, servers, silenceMax);
    }

    private static final class WatchedFactory extends PgConnectionFactory {
        private final Duration silenceMax;
        /** By its options, as in the super class. */
        private final Map<JsonObject, NetClient> clients = new ConcurrentHashMap<>();

        WatchedFactory(
                VertxInternal vertx,
                Supplier<? extends Future<? extends SqlConnectOptions>> servers,
                Duration silenceMax) {
            super(vertx, servers);
            this.silenceMax = silenceMax;
        }

        @Override
        protected NetClient netClient(NetClientOptions given) {
            NetClientOptions options = new NetClientOptions(given).setReconnectAttempts(0);
            if (options.getHostnameVerificationAlgorithm() == null) {
                options.setHostnameVerificationAlgorithm("");
            }
            return clients.computeIfAbsent(options.toJson(), json -> {
                WatchedClient client = new WatchedClient(vertx, options, clientCloseFuture, silenceMax);
                clientCloseFuture.add(client);
                return client;
            });
        }
    }

    private static final class WatchedClient extends NetClientImpl {
        private final Duration silenceMax;

        WatchedClient(VertxInternal vertx, NetClientOptions options, CloseFuture closing, Duration silenceMax) {
            super(vertx, null, options, closing);
            this.silenceMax = silenceMax;
        }

        @Override
        protected void initChannel(ChannelPipeline pipeline) {
            super.initChannel(pipeline);
            // First: its close does not pass the driver's encoder, which would turn it into a message.
            pipeline.addFirst("silence", new SilenceHandler(silenceMax));
        }
    }

    private static final class SilenceHandler extends IdleStateHandler {
        SilenceHandler(Duration max) {
            // Neither read nor written: a connection that was unused until now gets the whole time for its next answer.
            super(0, 0, max.toMillis(), TimeUnit.MILLISECONDS);
        }

        @Override
        protected void channelIdle(ChannelHandlerContext context, IdleStateEvent event) {
            context.close();
        }
    }
}
