package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.UniEmitter;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetSocket;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.postbus.account.Credential;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.ConnectionErrors;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.egress.EgressSockets;

/** Opens connections. One per process: it holds the TLS context that all of them share. */
public final class ImapClient {
    private final VertxInternal vertx;
    private final ImapOptions options;
    private final EgressSockets sockets;

    /** @throws IllegalArgumentException if the extra certificates cannot be read */
    public ImapClient(EgressConnector egress, ImapOptions options) {
        this.vertx = (VertxInternal) egress.vertx();
        this.options = options;
        this.sockets = egress.sockets(netOptions(options));
    }

    private static NetClientOptions netOptions(ImapOptions options) {
        NetClientOptions net = new NetClientOptions()
                .setTcpNoDelay(true)
                .setTcpKeepAlive(true)
                .setConnectTimeout((int)
                        Math.min(Integer.MAX_VALUE, options.connectTimeout().toMillis()))
                .setSslHandshakeTimeout(options.connectTimeout().toMillis())
                .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS)
                // Vert.x does not verify host names by default, neither here nor after STARTTLS.
                .setHostnameVerificationAlgorithm("HTTPS");
        options.trustedCertificates().ifPresent(pem -> net.setTrustOptions(TrustedCertificates.of(pem)));
        return net;
    }

    /**
     * Connects and logs in: TLS, greeting, STARTTLS if so set, CAPABILITY, the best login that it offers, CAPABILITY again, ID,
     * ENABLE. Cancelling it closes the socket.
     *
     * <p>Fails with {@code Unreachable} (no connection, certificate not for this host, STARTTLS not offered), {@code
     * AuthRejected} or {@code Throttled} (also for too many connections, however the server words it).
     */
    public Uni<ImapConnection> open(ServerAddress address, String username, Credential credential) {
        return open(address, username, credential, Uni.createFrom().voidItem());
    }

    /** @param permit waited for before the credential is sent */
    public Uni<ImapConnection> open(ServerAddress address, String username, Credential credential, Uni<Void> permit) {
        return connect(address)
                .chain(connection -> new LoginSequence(connection.wire(), address, username, credential, permit)
                        .run()
                        .ifNoItem()
                        .after(options.loginTimeout())
                        .failWith(
                                () -> new ServerException(new ServerFailure.Unreachable("the login was not done after "
                                        + options.loginTimeout().toMillis() + " ms")))
                        .onFailure()
                        .invoke(connection::close)
                        .onCancellation()
                        .invoke(connection::close)
                        .replaceWith(connection));
    }

    /**
     * Whether a connection for bulk transfer, such as an initial sync, should be compressed: {@link
     * ImapOptions#compression} decides, and the server must offer it.
     */
    public boolean compressionPays(ImapConnection connection, ServerAddress address) {
        boolean wanted =
                switch (options.compression()) {
                    case NEVER -> false;
                    case WHERE_IT_PAYS ->
                        address.tls() != TlsMode.NONE && !connection.wire().toLoopback();
                    case ALWAYS -> true;
                };
        return wanted && connection.capabilities().has("COMPRESS=DEFLATE");
    }

    private Uni<ImapConnection> connect(ServerAddress address) {
        return Uni.createFrom().emitter(emitter -> {
            // Each connection has its own context: everything about it happens on one event loop, whichever thread
            // calls.
            Attempt attempt = new Attempt(vertx.createEventLoopContext(), emitter);
            emitter.onTermination(attempt::terminated);
            attempt.context.runOnContext(start -> sockets.connect(attempt.context, address)
                    .onSuccess(attempt::connected)
                    .onFailure(error -> attempt.failed(address, error)));
        });
    }

    /** One attempt to connect. If it is cancelled before it succeeds, the connection is closed. */
    private final class Attempt {
        private final ContextInternal context;
        private final UniEmitter<? super ImapConnection> emitter;
        private Optional<ImapConnection> connection = Optional.empty();
        private boolean handingOver;
        private boolean cancelled;

        private Attempt(ContextInternal context, UniEmitter<? super ImapConnection> emitter) {
            this.context = context;
            this.emitter = emitter;
        }

        private void connected(NetSocket socket) {
            if (cancelled) {
                socket.close();
                return;
            }
            ImapConnection opened = new ImapConnection(ImapWire.on(context, socket, options));
            connection = Optional.of(opened);
            handingOver = true;
            emitter.complete(opened);
            handingOver = false;
        }

        private void failed(ServerAddress address, Throwable error) {
            emitter.fail(new ServerException(
                    new ServerFailure.Unreachable("cannot connect to " + address.host() + " port " + address.port()
                            + ": " + ConnectionErrors.sentence(error)),
                    error));
        }

        /** By cancellation, or from within {@link #connected}. */
        private void terminated() {
            if (context.inThread() && handingOver) {
                return;
            }
            context.runOnContext(go -> {
                cancelled = true;
                connection.ifPresent(ImapConnection::close);
            });
        }
    }

    /** Closes every connection that is still open. */
    public Uni<Void> close() {
        return Uni.createFrom().completionStage(() -> sockets.close().toCompletionStage());
    }
}
