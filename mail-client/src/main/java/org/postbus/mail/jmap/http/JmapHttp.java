package org.postbus.mail.jmap.http;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.http.UpgradeRejectedException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jboss.logging.Logger;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.ConnectionErrors;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.egress.EgressHttp;

/**
 * HTTP exchanges with one user's credentials, bounded in bytes and time. Answers that are read whole go through the
 * Web Client; streams (blobs, events) go through the HttpClient below it, because only that one can pause and abort a
 * response.
 */
public final class JmapHttp implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(JmapHttp.class);

    /**
     * James uses RFC 8621 only on request, unless it is configured otherwise; it reads what follows the last {@code
     * ;}.
     */
    static final String RFC_8621 = "application/json; jmapVersion=rfc-8621";

    private static final String JSON = "application/json; charset=utf-8";
    static final String AGENT = "Postbus";

    /** A StateChange of one account has a few hundred bytes. */
    public static final int WEB_SOCKET_MESSAGE_BYTES_MAX = 64 * 1024;

    private final EgressConnector egress;
    private final EgressHttp client;
    private final JmapOptions options;
    private final Optional<Login> login;
    private final boolean plainAllowed;
    private final HeldAnswers held;

    /** @param authorization the header's value */
    private record Login(Secret authorization, TrustedHosts hosts) {}

    /** Plain HTTP is used only if the session URL is plain HTTP. */
    JmapHttp(EgressConnector egress, AccountSettings.Jmap settings, Credential credential, JmapOptions options) {
        this(
                egress,
                settings.sessionUrl(),
                Optional.of(new Login(
                        new Secret(authorization(settings.username(), credential)), TrustedHosts.of(settings))),
                options);
    }

    /** For requests without a login. */
    static JmapHttp withoutLogin(EgressConnector egress, URI url, JmapOptions options) {
        return new JmapHttp(egress, url, Optional.empty(), options);
    }

    private JmapHttp(EgressConnector egress, URI sessionUrl, Optional<Login> login, JmapOptions options) {
        this.egress = egress;
        this.options = options;
        this.held = new HeldAnswers(options.held());
        this.plainAllowed = "http".equalsIgnoreCase(sessionUrl.getScheme());
        this.login = login;
        this.client = egress.http(options.connectTimeout());
        client.intercept(HttpExchange::watch);
    }

    /** RFC 7617 and RFC 6750 section 2.1. */
    private static String authorization(String username, Credential credential) {
        return switch (credential) {
            case Credential.Password(var password) ->
                "Basic "
                        + Base64.getEncoder()
                                .encodeToString((username + ":" + password.reveal()).getBytes(StandardCharsets.UTF_8));
            case Credential.AccessToken(var token) -> "Bearer " + token.reveal();
        };
    }

    /** A response whose body has not been read: it is paused. */
    public record OpenResponse(HttpClientRequest request, HttpClientResponse response) {

        /** Aborts it unread. */
        public void discard() {
            request.reset();
        }
    }

    public Vertx vertx() {
        return egress.vertx();
    }

    JmapOptions options() {
        return options;
    }

    HeldAnswers held() {
        return held;
    }

    EgressHttp client() {
        return client;
    }

    /** The value of the header; empty before the login. */
    Optional<Secret> authorization() {
        return login.map(Login::authorization);
    }

    Uni<HttpAnswer> get(URI url, boolean withCredentials) {
        return exchangeAgainIfIdleClosed(HttpMethod.GET, url, withCredentials, Buffer.buffer(), JSON);
    }

    Uni<HttpAnswer> upload(URI url, Buffer content, String type) {
        return exchangeAgainIfIdleClosed(HttpMethod.POST, url, true, content, type);
    }

    /** @param changesSomething a lost answer is then {@link ServerFailure.OutcomeUnknown}, and nothing is sent twice */
    Uni<HttpAnswer> post(URI url, Buffer json, boolean changesSomething) {
        return changesSomething
                ? exchange(HttpMethod.POST, url, true, json, JSON, true)
                : exchangeAgainIfIdleClosed(HttpMethod.POST, url, true, json, JSON);
    }

    /**
     * A kept connection may be closed by the server at the moment it is used again: the request is then repeated once.
     */
    private Uni<HttpAnswer> exchangeAgainIfIdleClosed(
            HttpMethod method, URI url, boolean withCredentials, Buffer body, String type) {
        return exchange(method, url, withCredentials, body, type, false)
                .onFailure(failure -> failure.getCause() instanceof HttpClosedException)
                .recoverWithUni(() -> exchange(method, url, withCredentials, body, type, false));
    }

    private Uni<HttpAnswer> exchange(
            HttpMethod method, URI url, boolean withCredentials, Buffer body, String type, boolean changesSomething) {
        return Uni.createFrom().emitter(emitter -> {
            Optional<ServerFailure> refusal = refusal(url, withCredentials);
            if (refusal.isPresent()) {
                emitter.fail(new ServerException(refusal.get()));
                return;
            }
            new HttpExchange(this, emitter, url, changesSomething).start(method, withCredentials, body, type);
        });
    }

    /**
     * Opens a response for streaming; the caller resumes it, and resets the request to abort.
     *
     * @param silenceMax aborts it when no byte arrives for so long
     */
    Future<OpenResponse> open(URI url, String accept, Optional<Duration> silenceMax) {
        return open(url, accept, silenceMax, "");
    }

    /** @param lastEventId WHATWG HTML section 9.2.4; empty if there is none */
    public Future<OpenResponse> openEvents(URI url, String lastEventId) {
        return open(url, "text/event-stream", Optional.empty(), lastEventId);
    }

    private Future<OpenResponse> open(URI url, String accept, Optional<Duration> silenceMax, String lastEventId) {
        Optional<ServerFailure> refusal = refusal(url, true);
        if (refusal.isPresent()) {
            return Future.failedFuture(new ServerException(refusal.get()));
        }
        RequestOptions head = new RequestOptions()
                .setMethod(HttpMethod.GET)
                .putHeader(HttpHeaders.USER_AGENT, AGENT)
                .putHeader(HttpHeaders.ACCEPT, accept + ", " + RFC_8621)
                // A compressing proxy delays events and hides the size of a blob.
                .putHeader(HttpHeaders.ACCEPT_ENCODING, "identity");
        login.ifPresent(to ->
                head.putHeader(HttpHeaders.AUTHORIZATION, to.authorization().reveal()));
        if (!lastEventId.isEmpty()) {
            head.putHeader("Last-Event-ID", lastEventId);
        }
        silenceMax.ifPresent(silence -> head.setIdleTimeout(silence.toMillis()));
        Promise<OpenResponse> opened = Promise.promise();
        var request = new AtomicReference<HttpClientRequest>();
        long timer = startTimeout(url, opened, request);
        client.open(head, url)
                .onFailure(cause -> opened.tryFail(unreachable(url, cause)))
                .onSuccess(sent -> {
                    request.set(sent);
                    if (opened.future().isComplete()) {
                        sent.reset();
                        return;
                    }
                    // On the response's own future: one composed from it may come late, when the response has ended.
                    sent.send()
                            .onFailure(cause -> opened.tryFail(unreachable(url, cause)))
                            .onSuccess(response -> {
                                response.exceptionHandler(
                                        reset -> LOG.debugf("not read to its end: %s", reset.getMessage()));
                                response.pause();
                                if (!opened.tryComplete(new OpenResponse(sent, response))) {
                                    sent.reset();
                                }
                            });
                });
        opened.future().onComplete(result -> vertx().cancelTimer(timer));
        return opened.future();
    }

    /**
     * @param url {@code ws} or {@code wss}; the rules for http and https apply
     * @return completes on the context that the WebSocket calls its handlers on; fails with {@link UpgradeRejectedException} if the
     *     server answers with something else
     */
    public Future<ClientWebSocket> openWebSocket(URI url) {
        URI http = URI.create(url.toString().replaceFirst("(?i)^ws", "http"));
        Optional<ServerFailure> refusal = refusal(http, true);
        if (refusal.isPresent()) {
            return Future.failedFuture(new ServerException(refusal.get()));
        }
        ClientWebSocket.Handshake handshake = ClientWebSocket.Handshake.of("jmap");
        RequestOptions head = new RequestOptions()
                .setMethod(HttpMethod.GET)
                .putHeader(HttpHeaders.USER_AGENT, AGENT)
                .putHeader(HttpHeaders.ACCEPT, RFC_8621);
        handshake.addTo(head);
        login.ifPresent(to ->
                head.putHeader(HttpHeaders.AUTHORIZATION, to.authorization().reveal()));
        Promise<ClientWebSocket> opened = Promise.promise();
        var request = new AtomicReference<HttpClientRequest>();
        long timer = startTimeout(url, opened, request);
        client.open(head, http).onFailure(opened::tryFail).onSuccess(sent -> {
            request.set(sent);
            if (opened.future().isComplete()) {
                sent.reset();
                return;
            }
            sent.connect().onFailure(opened::tryFail).onSuccess(response -> {
                boolean upgraded = response.statusCode() == 101 && handshake.isAnsweredBy(response.headers());
                if (!upgraded) {
                    opened.tryFail(new UpgradeRejectedException(
                            "not upgraded",
                            response.statusCode() == 101 ? 501 : response.statusCode(),
                            response.headers(),
                            null));
                    sent.reset();
                    return;
                }
                ClientWebSocket socket = ClientWebSocket.on(vertx().getOrCreateContext(), response);
                if (!opened.tryComplete(socket)) {
                    socket.close();
                }
            });
        });
        opened.future().onComplete(result -> vertx().cancelTimer(timer));
        return opened.future();
    }

    private long startTimeout(URI url, Promise<?> opened, AtomicReference<HttpClientRequest> request) {
        return vertx().setTimer(options.requestTimeout().toMillis(), id -> {
            if (opened.tryFail(unreachable(
                            url, "no answer within " + options.requestTimeout().toSeconds() + " seconds"))
                    && request.get() != null) {
                request.get().reset();
            }
        });
    }

    /** In our own words: what the cause says may have come from the server. */
    public static ServerException unreachable(URI url, Throwable cause) {
        return cause instanceof ServerException known
                ? known
                : new ServerException(
                        new ServerFailure.Unreachable(url.getHost() + ": " + ConnectionErrors.sentence(cause)), cause);
    }

    /** @param words our own */
    public static ServerException unreachable(URI url, String words) {
        return new ServerException(new ServerFailure.Unreachable(url.getHost() + ": " + words));
    }

    boolean trusts(URI url) {
        return login.isPresent() && login.get().hosts().trusts(url);
    }

    /** @throws ServerException {@code Rejected("host-not-trusted")} if the host must not get the credential */
    void requireTrust(URI url) {
        login.flatMap(to -> to.hosts().refusal(url)).ifPresent(refusal -> {
            throw new ServerException(refusal);
        });
    }

    private Optional<ServerFailure> refusal(URI url, boolean withCredentials) {
        boolean https = "https".equalsIgnoreCase(url.getScheme());
        boolean http = "http".equalsIgnoreCase(url.getScheme());
        if (url.getHost() == null || !(https || http)) {
            return Optional.of(
                    new ServerFailure.Rejected("bad-url", "the address is not an http or https address with a host"));
        }
        if (http && !plainAllowed) {
            return Optional.of(new ServerFailure.Rejected(
                    "insecure-url", "the server sends us from https to http; that is not followed"));
        }
        return withCredentials ? login.flatMap(to -> to.hosts().refusal(url)) : Optional.empty();
    }

    @Override
    public void close() {
        held.close();
        client.close();
    }
}
