package org.postbus.mail.jmap.http;

import io.smallrye.mutiny.subscription.UniEmitter;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.impl.ClientPhase;
import io.vertx.ext.web.client.impl.HttpContext;
import io.vertx.ext.web.codec.BodyCodec;
import io.vertx.ext.web.codec.spi.BodyStream;
import java.io.IOException;
import java.net.URI;
import java.util.concurrent.atomic.AtomicBoolean;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.memory.HeldBytes;

/**
 * One request and its whole answer. The body is kept up to the limit; beyond it, or after the time limit, the request
 * is reset, where the Web Client alone would read to the end.
 */
final class HttpExchange implements BodyCodec<Void>, BodyStream<Void> {
    private final JmapHttp http;
    private final UniEmitter<? super HttpAnswer> emitter;
    private final URI url;
    private final boolean changesSomething;
    /** One array, however many chunks there are: a chunk takes a hundred bytes besides its content. */
    private final Buffer body = Buffer.buffer();

    private final HeldBytes.Share held;
    private final Promise<Void> read = Promise.promise();
    private final long timer;
    private volatile boolean sent;
    private volatile HttpClientRequest request;
    private final AtomicBoolean over = new AtomicBoolean();

    HttpExchange(JmapHttp http, UniEmitter<? super HttpAnswer> emitter, URI url, boolean changesSomething) {
        this.http = http;
        this.emitter = emitter;
        this.url = url;
        this.changesSomething = changesSomething;
        this.held = http.held().share();
        this.timer = http.vertx()
                .setTimer(
                        http.options().requestTimeout().toMillis(),
                        id -> fail(JmapHttp.unreachable(
                                url,
                                "no answer within "
                                        + http.options().requestTimeout().toSeconds() + " seconds")));
        emitter.onTermination(this::breakOff);
        http.held().began(this);
    }

    /**
     * The Web Client exposes its request to interceptors only and fails if it is reset while it sends. So the request
     * is reset before, in which case the Web Client stops, or after.
     */
    static void watch(HttpContext<?> context) {
        if (context.phase() == ClientPhase.SEND_REQUEST
                && context.request().bodyCodec() instanceof HttpExchange exchange) {
            HttpClientRequest opened = context.clientRequest();
            exchange.sent = !exchange.over.get();
            if (exchange.sent) {
                context.next();
                exchange.request = opened;
            }
            if (exchange.over.get()) {
                opened.reset();
            }
        } else {
            context.next();
        }
    }

    void start(HttpMethod method, boolean withCredentials, Buffer content, String type) {
        http.client().request(method, url).onFailure(this::fail).onSuccess(request -> {
            if (!over.get()) {
                send(request.as(this), withCredentials, content, type);
            }
        });
    }

    private void send(HttpRequest<Void> head, boolean withCredentials, Buffer content, String type) {
        head.putHeader(HttpHeaders.USER_AGENT.toString(), JmapHttp.AGENT)
                .putHeader(HttpHeaders.ACCEPT.toString(), JmapHttp.RFC_8621);
        if (withCredentials) {
            http.authorization()
                    .ifPresent(secret -> head.putHeader(HttpHeaders.AUTHORIZATION.toString(), secret.reveal()));
        }
        Future<HttpResponse<Void>> answer = head.method() == HttpMethod.POST
                ? head.putHeader(HttpHeaders.CONTENT_TYPE.toString(), type).sendBuffer(content)
                : head.send();
        answer.onFailure(cause -> {
                    http.client().failed(url, cause);
                    fail(cause);
                })
                .onSuccess(response -> end(
                        () -> emitter.complete(new HttpAnswer(url, response.statusCode(), response.headers(), body))));
    }

    /** The process is short of memory. */
    void end(ServerFailure failure) {
        fail(new ServerException(failure));
    }

    private void fail(Throwable cause) {
        ServerException failure = cause instanceof ServerException known ? known : JmapHttp.unreachable(url, cause);
        end(() -> emitter.fail(
                changesSomething && sent
                        ? new ServerException(
                                new ServerFailure.OutcomeUnknown(
                                        failure.failure().text()),
                                cause)
                        : failure));
        resetRequest();
    }

    private void end(Runnable result) {
        if (over.compareAndSet(false, true)) {
            release();
            result.run();
        }
    }

    private void release() {
        http.vertx().cancelTimer(timer);
        http.held().isOver(this);
        held.close();
    }

    /** Called when the exchange has ended, too, where it has no effect. */
    private void breakOff() {
        if (over.compareAndSet(false, true)) {
            release();
            resetRequest();
        }
    }

    private void resetRequest() {
        HttpClientRequest opened = request;
        if (opened != null) {
            opened.reset();
        }
    }

    @Override
    public void create(Handler<AsyncResult<BodyStream<Void>>> ready) {
        ready.handle(Future.succeededFuture(this));
    }

    @Override
    public Future<Void> write(Buffer chunk) {
        if (over.get()) {
            return Future.failedFuture(new IOException("the answer is not wanted any more"));
        }
        if (body.length() + chunk.length() > http.options().responseBytesMax()) {
            ServerException tooLarge = new ServerException(new ServerFailure.LimitExceeded(
                    url.getHost() + " answers more than " + http.options().responseBytesMax() + " bytes"));
            fail(tooLarge);
            return Future.failedFuture(tooLarge);
        }
        body.appendBuffer(chunk);
        // The array grows by doubling, and is copied then.
        held.set(3L * body.length());
        return Future.succeededFuture();
    }

    @Override
    public void write(Buffer chunk, Handler<AsyncResult<Void>> written) {
        write(chunk).onComplete(written);
    }

    @Override
    public void end(Handler<AsyncResult<Void>> ended) {
        read.tryComplete();
        ended.handle(Future.succeededFuture());
    }

    @Override
    public Future<Void> result() {
        return read.future();
    }

    /** The response broke off. */
    @Override
    public void handle(Throwable cause) {
        read.tryFail(cause);
    }

    @Override
    public HttpExchange exceptionHandler(Handler<Throwable> handler) {
        return this;
    }

    @Override
    public HttpExchange setWriteQueueMaxSize(int bytes) {
        return this;
    }

    @Override
    public boolean writeQueueFull() {
        return false;
    }

    @Override
    public HttpExchange drainHandler(Handler<Void> handler) {
        return this;
    }
}
