package org.postbus.mail.egress;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetSocket;
import io.vertx.core.net.impl.NetClientImpl;
import org.jboss.logging.Logger;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;

/** Sockets that lead only to where the policy allows. Thread-safe. */
public final class EgressSockets {
    private static final Logger LOG = Logger.getLogger(EgressSockets.class);

    private final EgressConnector connector;
    private final NetClientImpl client;

    EgressSockets(EgressConnector connector, VertxInternal vertx, NetClientOptions options) {
        this.connector = connector;
        this.client = (NetClientImpl) vertx.createNetClient(options);
    }

    /**
     * Connects, with the TLS handshake if the address says TLS from the first byte. STARTTLS is the caller's; the certificate is then verified
     * by the name, too. Must be called on the context, and the socket's handlers must be set at once when the future completes: what the server
     * sends before is lost.
     *
     * @param context an event-loop context, on which the socket lives and the future completes
     * @return fails with {@code ServerException} if the policy refuses, else with what went wrong on the first address that got furthest:
     *     see {@link ConnectionErrors}
     */
    public Future<NetSocket> connect(ContextInternal context, ServerAddress server) {
        Promise<NetSocket> connected = context.promise();
        connector
                .routes(server.host(), server.port(), server.tls() == TlsMode.NONE)
                .onFailure(connected::fail)
                .onSuccess(routes -> context.runOnContext(go -> new ConnectRace(
                                context, routes, route -> open(context, route, server.tls() == TlsMode.TLS), connected)
                        .start()));
        return connected
                .future()
                .onFailure(cause -> LOG.debugf(cause, "no connection to %s port %d", server.host(), server.port()));
    }

    Future<NetSocket> open(ContextInternal context, Route route, boolean tls) {
        Promise<NetSocket> opened = context.promise();
        client.connectInternal(
                route.proxy().orElse(null),
                route.address(),
                route.address(),
                null,
                tls,
                false,
                false,
                opened,
                context,
                0);
        return opened.future();
    }

    /** Closes every socket that is still open. */
    public Future<Void> close() {
        return client.close();
    }
}
