package org.postbus.mail.egress;

import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.impl.VertxInternal;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.ext.web.client.impl.HttpContext;
import io.vertx.ext.web.client.impl.WebClientInternal;
import java.net.ConnectException;
import java.net.URI;
import java.time.Duration;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * HTTP requests that lead only to where the policy allows: each request is judged by itself, and its connection leads to an address that was judged.
 * Redirects are not followed. Certificates are verified by the name in the URL. Thread-safe.
 */
public final class EgressHttp implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(EgressHttp.class);

    /**
     * Below the limits of common servers and proxies: an idle connection that the server closes first looks like a
     * lost answer.
     */
    private static final int KEEP_ALIVE_SECONDS = 10;
    /** The connections of all accounts to one address; the callers limit those of an account. */
    private static final int POOL_SIZE_MAX = 20_000;

    private final EgressConnector connector;
    private final HttpClient client;
    private final WebClient web;

    EgressHttp(EgressConnector connector, Duration connectTimeout) {
        this.connector = connector;
        int connectTimeoutMs = (int) connectTimeout.toMillis();
        // Shared: thousands of accounts need one pool, not thousands.
        this.client = connector
                .vertx()
                .createHttpClient(new HttpClientOptions()
                        .setShared(true)
                        .setName("postbus-http-" + connector.number() + "-" + connectTimeoutMs)
                        .setMaxPoolSize(POOL_SIZE_MAX)
                        .setKeepAliveTimeout(KEEP_ALIVE_SECONDS)
                        .setConnectTimeout(connectTimeoutMs)
                        .setVerifyHost(true));
        this.web = WebClient.wrap(
                client, new WebClientOptions().setFollowRedirects(false).setUserAgentEnabled(false));
    }

    /** Sees the phases of all requests of {@link #request}. */
    public void intercept(Handler<HttpContext<?>> interceptor) {
        ((WebClientInternal) web).addInterceptor(interceptor);
    }

    /** A request whose answer is read whole. @param url http or https, with a host */
    public Future<HttpRequest<Buffer>> request(HttpMethod method, URI url) {
        return onContext(() -> route(url).map(route -> {
            HttpRequest<Buffer> request = web.requestAbs(method, route.address(), url.toString());
            route.proxy().ifPresent(request::proxy);
            return request;
        }));
    }

    /**
     * A request whose answer is streamed.
     *
     * @param head without the URL
     * @param url http or https, with a host
     */
    public Future<HttpClientRequest> open(RequestOptions head, URI url) {
        return onContext(() -> route(url).compose(route -> {
            head.setAbsoluteURI(url.toString()).setServer(route.address()).setFollowRedirects(false);
            route.proxy().ifPresent(head::setProxyOptions);
            return client.request(head).onFailure(cause -> failed(url, cause));
        }));
    }

    /**
     * Completes on the caller's context, always: a caller that sends the request there sets its handlers before the answer, which arrives on the same
     * context.
     */
    private <T> Future<T> onContext(Supplier<Future<T>> request) {
        ContextInternal context = ((VertxInternal) connector.vertx()).getOrCreateContext();
        Promise<T> result = context.promise();
        context.runOnContext(go -> request.get().onComplete(result));
        return result.future();
    }

    /** A request failed: if no connection could be opened, another address of the host is tried next time. */
    public void failed(URI url, Throwable cause) {
        LOG.debugf(cause, "a request to %s failed", url.getHost());
        if (cause instanceof ConnectException) {
            connector.forgetRoute(url.getHost(), port(url));
        }
    }

    private Future<Route> route(URI url) {
        return connector.route(url.getHost(), port(url), !isTls(url));
    }

    private static boolean isTls(URI url) {
        return "https".equalsIgnoreCase(url.getScheme());
    }

    private static int port(URI url) {
        return url.getPort() > 0 ? url.getPort() : isTls(url) ? 443 : 80;
    }

    @Override
    public void close() {
        client.close();
    }
}
