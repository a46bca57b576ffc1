package org.postbus.mail.egress;

import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetSocket;
import io.vertx.core.net.SSLOptions;
import io.vertx.core.net.SocketAddress;
import java.util.function.Function;
import org.postbus.account.ServerAddress;

/** A client of Vert.x that connects to one server, through the connector. */
final class LeadingNetClient implements NetClient {
    private final VertxInternal vertx;
    private final EgressSockets sockets;
    private final ServerAddress server;
    private final Function<NetSocket, Future<NetSocket>> greeted;

    LeadingNetClient(
            VertxInternal vertx,
            EgressSockets sockets,
            ServerAddress server,
            Function<NetSocket, Future<NetSocket>> greeted) {
        this.greeted = greeted;
        this.vertx = vertx;
        this.sockets = sockets;
        this.server = server;
    }

    @Override
    public Future<NetSocket> connect(int port, String host) {
        return port == server.port() && host.equals(server.host())
                ? sockets.connect(vertx.getOrCreateContext(), server).compose(greeted)
                : Future.failedFuture(new IllegalStateException("connects to another server than it was made for"));
    }

    @Override
    public Future<NetSocket> connect(int port, String host, String serverName) {
        return connect(port, host);
    }

    @Override
    public Future<NetSocket> connect(SocketAddress address) {
        return connect(address.port(), address.host());
    }

    @Override
    public Future<NetSocket> connect(SocketAddress address, String serverName) {
        return connect(address);
    }

    @Override
    public NetClient connect(int port, String host, Handler<AsyncResult<NetSocket>> connected) {
        connect(port, host).onComplete(connected);
        return this;
    }

    @Override
    public NetClient connect(int port, String host, String serverName, Handler<AsyncResult<NetSocket>> connected) {
        return connect(port, host, connected);
    }

    @Override
    public NetClient connect(SocketAddress address, Handler<AsyncResult<NetSocket>> connected) {
        connect(address).onComplete(connected);
        return this;
    }

    @Override
    public NetClient connect(SocketAddress address, String serverName, Handler<AsyncResult<NetSocket>> connected) {
        return connect(address, connected);
    }

    @Override
    public Future<Boolean> updateSSLOptions(SSLOptions options, boolean force) {
        return Future.failedFuture(new UnsupportedOperationException("the options of TLS do not change"));
    }

    @Override
    public Future<Void> close() {
        return sockets.close();
    }

    @Override
    public void close(Handler<AsyncResult<Void>> closed) {
        close().onComplete(closed);
    }

    @Override
    public boolean isMetricsEnabled() {
        return false;
    }
}
