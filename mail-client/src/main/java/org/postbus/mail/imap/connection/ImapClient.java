package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.UniEmitter;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetSocket;
import io.vertx.core.net.PfxOptions;
import io.vertx.core.net.TrustOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.sasl.SaslConversation;

/** Opens connections. One per process: it holds the TLS context that all of them share. */
public final class ImapClient {
    /** What we say in ID (RFC 2971); some providers ask for it before they offer everything. */
    private static final Map<String, String> OUR_ID = ourId();

    private final VertxInternal vertx;
    private final ImapOptions options;
    private final NetClient tls;
    private final NetClient plain;

    /** @throws IllegalArgumentException if the extra certificates cannot be read */
    public ImapClient(Vertx vertx, ImapOptions options) {
        this.vertx = (VertxInternal) vertx;
        this.options = options;
        this.tls = vertx.createNetClient(netOptions(options).setSsl(true));
        this.plain = vertx.createNetClient(netOptions(options));
    }

    private static NetClientOptions netOptions(ImapOptions options) {
        NetClientOptions net = new NetClientOptions()
                .setTcpNoDelay(true)
                .setTcpKeepAlive(true)
                .setConnectTimeout((int)
                        Math.min(Integer.MAX_VALUE, options.connectTimeout().toMillis()))
                .setSslHandshakeTimeout(options.connectTimeout().toMillis())
                .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS)
                // Vert.x checks no name by default, neither here nor after STARTTLS.
                .setHostnameVerificationAlgorithm("HTTPS");
        options.trustedCertificates().ifPresent(pem -> net.setTrustOptions(trusting(pem)));
        return net;
    }

    /** The platform's authorities, and these. */
    private static TrustOptions trusting(String pem) {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            TrustManagerFactory platform = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            platform.init((KeyStore) null);
            int number = 0;
            for (TrustManager manager : platform.getTrustManagers()) {
                if (manager instanceof X509TrustManager x509) {
                    for (X509Certificate authority : x509.getAcceptedIssuers()) {
                        store.setCertificateEntry("platform-" + number++, authority);
                    }
                }
            }
            for (Certificate extra : CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)))) {
                store.setCertificateEntry("extra-" + number++, extra);
            }
            // Vert.x wants the store in octets; there is nothing secret in it.
            String password = "certificates";
            ByteArrayOutputStream octets = new ByteArrayOutputStream();
            store.store(octets, password.toCharArray());
            return new PfxOptions()
                    .setValue(Buffer.buffer(octets.toByteArray()))
                    .setPassword(password);
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalArgumentException("not certificates in PEM form", e);
        }
    }

    private static Map<String, String> ourId() {
        Map<String, String> id = new LinkedHashMap<>();
        id.put("name", "Postbus");
        id.put("version", "0.1");
        return id;
    }

    /**
     * Connects and logs in: TLS, greeting, STARTTLS if so set, CAPABILITY, the best login that it offers, CAPABILITY again, ID,
     * ENABLE. Cancelling it closes the socket.
     *
     * <p>Fails with {@code Unreachable} (no connection, certificate not for this host, STARTTLS not offered), {@code
     * AuthRejected} or {@code Throttled} (also for too many connections, however the server words it).
     */
    public Uni<ImapConnection> open(ServerAddress address, String username, Credential credential) {
        return open(address, username, credential, done());
    }

    /** @param turn waited for before the credential is sent */
    public Uni<ImapConnection> open(ServerAddress address, String username, Credential credential, Uni<Void> turn) {
        return connect(address)
                .chain(connection -> logIn(connection, address, username, credential, turn)
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
     * Whether a connection that much mail will come over, as in a first synchronisation, is to be compressed: where {@link
     * ImapOptions#compression} says so and the server can.
     */
    public boolean compressionPays(ImapConnection connection, ServerAddress address) {
        boolean wanted =
                switch (options.compression()) {
                    case NEVER -> false;
                    case WHERE_IT_PAYS -> address.tls() != TlsMode.NONE && !connection.toLoopback();
                    case ALWAYS -> true;
                };
        return wanted && connection.capabilities().has("COMPRESS=DEFLATE");
    }

    private Uni<ImapConnection> connect(ServerAddress address) {
        NetClient client = address.tls() == TlsMode.TLS ? tls : plain;
        return Uni.createFrom().emitter(emitter -> {
            // A context of its own for each: all that happens to a connection happens on one event loop, whoever asks.
            Attempt attempt = new Attempt(vertx.createEventLoopContext(), emitter);
            emitter.onTermination(attempt::terminated);
            attempt.context.runOnContext(start -> client.connect(address.port(), address.host())
                    .onSuccess(attempt::connected)
                    .onFailure(error -> attempt.failed(address, error)));
        });
    }

    /** A connection that nobody waits for any more when it is there is closed. */
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
                    new ServerFailure.Unreachable(
                            "cannot connect to " + address.host() + " port " + address.port() + ": " + reason(error)),
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

    private static String reason(Throwable error) {
        Throwable root = error;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }

    private Uni<Void> logIn(
            ImapConnection connection, ServerAddress address, String username, Credential credential, Uni<Void> turn) {
        return connection
                .greeted()
                .chain(() -> address.tls() == TlsMode.STARTTLS ? startTls(connection) : done())
                .chain(() -> connection.capabilitiesKnown() ? done() : connection.askCapabilities())
                .chain(() ->
                        connection.loggedIn() ? done() : authenticate(connection, address, username, credential, turn))
                .chain(() -> connection.capabilitiesKnown() ? done() : connection.askCapabilities())
                .chain(() -> introduce(connection))
                .chain(() -> enable(connection));
    }

    private static Uni<Void> done() {
        return Uni.createFrom().voidItem();
    }

    /** Fails closed: without TLS nothing more is said. PREAUTH leaves no room for STARTTLS (RFC 9051 section 7.1.4). */
    private static Uni<Void> startTls(ImapConnection connection) {
        if (connection.loggedIn()) {
            return Uni.createFrom()
                    .failure(new ServerException(
                            new ServerFailure.Unreachable("the server greets with PREAUTH, which rules out STARTTLS")));
        }
        return (connection.capabilitiesKnown() ? done() : connection.askCapabilities())
                .chain(() -> connection.capabilities().has("STARTTLS")
                        ? connection.startTls()
                        : Uni.createFrom()
                                .failure(new ServerException(
                                        new ServerFailure.Unreachable("the server does not offer STARTTLS"))));
    }

    /**
     * The ways in, from the best to the plainest: OAUTHBEARER, XOAUTH2; SCRAM, PLAIN, LOGIN. The next one is tried where the
     * server offers what it then does not understand, and, protected by TLS, where it refuses SCRAM: servers offer that for
     * all users and can do it for some.
     */
    private static Uni<Void> authenticate(
            ImapConnection connection, ServerAddress address, String username, Credential credential, Uni<Void> turn) {
        Deque<LogIn> ways = ways(connection.capabilities(), address, username, credential);
        if (ways.isEmpty()) {
            return Uni.createFrom()
                    .failure(new ServerException(new ServerFailure.AuthRejected(
                            switch (credential) {
                                case Credential.Password password -> "the server offers no login with a password";
                                case Credential.AccessToken token -> "the server offers no login with an access token";
                            })));
        }
        return turn.chain(() -> authenticate(connection, address, ways));
    }

    private static Uni<Void> authenticate(ImapConnection connection, ServerAddress address, Deque<LogIn> ways) {
        LogIn way = ways.removeFirst();
        Uni<Void> tried = Uni.createFrom().deferred(() -> way.with(connection));
        return ways.isEmpty()
                ? tried
                : tried.onFailure(error -> ImapConnection.isBad(error)
                                || (way.scram() && address.tls() != TlsMode.NONE && isAuthRejected(error)))
                        .recoverWithUni(() -> authenticate(connection, address, ways));
    }

    private static boolean isAuthRejected(Throwable error) {
        return error instanceof ServerException e && e.failure() instanceof ServerFailure.AuthRejected;
    }

    /** One way to log in. */
    private sealed interface LogIn {
        Uni<Void> with(ImapConnection connection);

        default boolean scram() {
            return false;
        }

        record Sasl(Supplier<SaslConversation> conversation, boolean scram) implements LogIn {
            @Override
            public Uni<Void> with(ImapConnection connection) {
                return connection.logIn(conversation.get());
            }
        }

        record Command(String username, Secret password) implements LogIn {
            @Override
            public Uni<Void> with(ImapConnection connection) {
                return connection.logIn(username, password);
            }
        }
    }

    private static Deque<LogIn> ways(
            Capabilities offered, ServerAddress address, String username, Credential credential) {
        Deque<LogIn> ways = new ArrayDeque<>();
        switch (credential) {
            case Credential.AccessToken(var token) -> {
                if (offered.has("AUTH=OAUTHBEARER")) {
                    ways.add(new LogIn.Sasl(() -> new SaslConversation.OauthBearer(address, username, token), false));
                }
                if (offered.has("AUTH=XOAUTH2")) {
                    ways.add(new LogIn.Sasl(() -> new SaslConversation.XOauth2(username, token), false));
                }
            }
            case Credential.Password(var password) -> {
                for (String mechanism : List.of("SCRAM-SHA-256", "SCRAM-SHA-1")) {
                    if (offered.has("AUTH=" + mechanism)) {
                        ways.add(new LogIn.Sasl(() -> new SaslConversation.Scram(mechanism, username, password), true));
                    }
                }
                if (offered.has("AUTH=PLAIN")) {
                    ways.add(new LogIn.Sasl(() -> new SaslConversation.Plain(username, password), false));
                }
                if (!offered.has("LOGINDISABLED")) {
                    ways.add(new LogIn.Command(username, password));
                } else if (offered.has("AUTH=LOGIN")) {
                    ways.add(new LogIn.Sasl(() -> new SaslConversation.Login(username, password), false));
                }
            }
        }
        return ways;
    }

    private static Uni<Void> introduce(ImapConnection connection) {
        return connection.capabilities().has("ID")
                ? connection
                        .exchangeIds(OUR_ID)
                        .onFailure(ImapConnection::isRejected)
                        .recoverWithUni(done())
                : done();
    }

    /**
     * Before the first SELECT (RFC 7162 section 3.2.3). A server that refuses has none of it. UTF8=ACCEPT only where the server
     * has nothing else: it would change every name that we know mailboxes by.
     */
    private static Uni<Void> enable(ImapConnection connection) {
        Capabilities offered = connection.capabilities();
        Set<String> wanted = new TreeSet<>();
        // XAPPLELITERAL: iCloud, whose VANISHED cannot be trusted.
        if (offered.has("QRESYNC") && !offered.has("XAPPLELITERAL")) {
            wanted.add("QRESYNC");
        } else if (offered.has("CONDSTORE") || offered.has("QRESYNC")) {
            wanted.add("CONDSTORE");
        }
        if (offered.has("UTF8=ONLY")) {
            wanted.add("UTF8=ACCEPT");
        }
        if (wanted.isEmpty() || !offered.hasOrRev2("ENABLE")) {
            return done();
        }
        return connection.enable(wanted).onFailure(ImapConnection::isRejected).recoverWithUni(done());
    }

    /** Closes every connection that is still open. */
    public Uni<Void> close() {
        return Uni.createFrom()
                .completionStage(() -> tls.close().toCompletionStage())
                .chain(() ->
                        Uni.createFrom().completionStage(() -> plain.close().toCompletionStage()));
    }
}
