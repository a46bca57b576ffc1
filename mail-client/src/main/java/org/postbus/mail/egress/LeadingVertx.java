package org.postbus.mail.egress;

import io.vertx.core.Future;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.impl.VertxWrapper;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetSocket;
import java.util.function.Function;
import org.postbus.account.ServerAddress;

/** The Vert.x for Vert.x Mail, which opens its own sockets: they lead to one server, through the connector. */
final class LeadingVertx extends VertxWrapper {
    private final EgressConnector connector;
    private final ServerAddress server;
    private final Function<NetSocket, Future<NetSocket>> greeted;

    LeadingVertx(
            VertxInternal vertx,
            EgressConnector connector,
            ServerAddress server,
            Function<NetSocket, Future<NetSocket>> greeted) {
        super(vertx);
        this.greeted = greeted;
        this.connector = connector;
        this.server = server;
    }

    @Override
    public NetClient createNetClient(NetClientOptions options) {
        return new LeadingNetClient(delegate, connector.sockets(options), server, greeted);
    }
}
