package org.postbus.mail.jmap.http;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.http.WebSocket;
import io.vertx.core.http.WebSocketClient;
import io.vertx.core.http.WebSocketClientOptions;
import io.vertx.core.http.WebSocketConnectOptions;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.ext.web.client.impl.WebClientInternal;
import java.io.IOException;
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
import org.postbus.mail.jmap.method.JmapFailures;

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

    /**
     * Below the limits of common servers and proxies: an idle connection that the server closes first looks like a
     * lost answer.
     */
    private static final int KEEP_ALIVE_SECONDS = 10;
    /** The connections of all accounts to one host; each account has its own {@link ConcurrencyLimit}. */
    private static final int POOL_SIZE_MAX = 20_000;
    /** A StateChange of one account has a few hundred bytes. */
    public static final int WEB_SOCKET_MESSAGE_BYTES_MAX = 64 * 1024;

    private final Vertx vertx;
    private final HttpClient client;
    private final WebClient web;
    private final WebSocketClient webSockets;
    private final JmapOptions options;
    private final Optional<Login> login;
    private final boolean plainAllowed;
    private final HeldAnswers held;

    /** @param authorization the header's value */
    private record Login(Secret authorization, TrustedHosts hosts) {}

    /** Plain HTTP is used only if the session URL is plain HTTP. */
    JmapHttp(Vertx vertx, AccountSettings.Jmap settings, Credential credential, JmapOptions options) {
        this(
                vertx,
                settings.sessionUrl(),
                Optional.of(new Login(
                        new Secret(authorization(settings.username(), credential)), TrustedHosts.of(settings))),
                options);
    }

    /** For requests without a login. */
    static JmapHttp withoutLogin(Vertx vertx, URI url, JmapOptions options) {
        return new JmapHttp(vertx, url, Optional.empty(), options);
    }

    private JmapHttp(Vertx vertx, URI sessionUrl, Optional<Login> login, JmapOptions options) {
        this.vertx = vertx;
        this.options = options;
        this.held = new HeldAnswers(options.held());
        this.plainAllowed = "http".equalsIgnoreCase(sessionUrl.getScheme());
        this.login = login;
        int connectTimeoutMs = (int) options.connectTimeout().toMillis();
        // Shared: thousands of accounts need one pool, not thousands.
        this.client = vertx.createHttpClient(new HttpClientOptions()
                .setShared(true)
                .setName("postbus-jmap-" + connectTimeoutMs)
                .setMaxPoolSize(POOL_SIZE_MAX)
                .setKeepAliveTimeout(KEEP_ALIVE_SECONDS)
                .setConnectTimeout(connectTimeoutMs)
                .setVerifyHost(true));
        this.webSockets = vertx.createWebSocketClient(new WebSocketClientOptions()
                .setShared(true)
                .setName("postbus-jmap-" + connectTimeoutMs)
                .setMaxConnections(POOL_SIZE_MAX)
                .setMaxFrameSize(WEB_SOCKET_MESSAGE_BYTES_MAX)
                .setMaxMessageSize(WEB_SOCKET_MESSAGE_BYTES_MAX)
                .setConnectTimeout(connectTimeoutMs)
                .setVerifyHost(true));
        this.web = WebClient.wrap(
                client, new WebClientOptions().setFollowRedirects(false).setUserAgentEnabled(false));
        ((WebClientInternal) web).addInterceptor(HttpExchange::watch);
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
        return vertx;
    }

    JmapOptions options() {
        return options;
    }

    HeldAnswers held() {
        return held;
    }

    WebClient web() {
        return web;
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
                .setAbsoluteURI(url.toString())
                .setFollowRedirects(false)
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
        long timer = vertx.setTimer(options.requestTimeout().toMillis(), id -> {
            if (opened.tryFail(unreachable(url, new IOException("no answer within " + options.requestTimeout())))
                    && request.get() != null) {
                request.get().reset();
            }
        });
        client.request(head)
                .onFailure(cause -> opened.tryFail(unreachable(url, cause)))
                .onSuccess(sent -> {
                    request.set(sent);
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
        opened.future().onComplete(result -> vertx.cancelTimer(timer));
        return opened.future();
    }

    /** @param url {@code ws} or {@code wss}; the rules for http and https apply */
    public Future<WebSocket> openWebSocket(URI url) {
        boolean tls = "wss".equalsIgnoreCase(url.getScheme());
        Optional<ServerFailure> refusal = refusal(URI.create(url.toString().replaceFirst("(?i)^ws", "http")), true);
        if (refusal.isPresent()) {
            return Future.failedFuture(new ServerException(refusal.get()));
        }
        String path = url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
        WebSocketConnectOptions head = new WebSocketConnectOptions()
                .setHost(url.getHost())
                .setPort(url.getPort() > 0 ? url.getPort() : tls ? 443 : 80)
                .setSsl(tls)
                .setURI(url.getRawQuery() == null ? path : path + "?" + url.getRawQuery())
                .addSubProtocol("jmap")
                .setTimeout(options.requestTimeout().toMillis())
                .putHeader(HttpHeaders.USER_AGENT, AGENT)
                .putHeader(HttpHeaders.ACCEPT, RFC_8621);
        login.ifPresent(to ->
                head.putHeader(HttpHeaders.AUTHORIZATION, to.authorization().reveal()));
        return webSockets.connect(head);
    }

    public static ServerException unreachable(URI url, Throwable cause) {
        String reason = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        return new ServerException(
                new ServerFailure.Unreachable(JmapFailures.cut(url.getHost() + ": " + reason)), cause);
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
            return Optional.of(new ServerFailure.Rejected("bad-url", "not an http(s) address: " + url));
        }
        if (http && !plainAllowed) {
            return Optional.of(new ServerFailure.Rejected(
                    "insecure-url", "the server sends us from https to " + url + "; that is not followed"));
        }
        return withCredentials ? login.flatMap(to -> to.hosts().refusal(url)) : Optional.empty();
    }

    @Override
    public void close() {
        held.close();
        client.close();
        webSockets.close();
    }
}
