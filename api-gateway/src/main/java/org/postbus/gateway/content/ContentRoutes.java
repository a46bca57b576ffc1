package org.postbus.gateway.content;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;
import org.postbus.gateway.authentication.ApiKeys;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.gateway.problem.ProblemResponses;
import org.postbus.gateway.rest.PathIds;
import org.postbus.mail.ServerException;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.TenantId;

/**
 * {@code GET …/raw} and {@code GET …/attachments/{partId}}: passes on what comes from the mail server. Routes of their own below
 * the REST framework, for each portion waits for the one before to leave: a slow client stops the reading of the mail server's
 * socket, and one that goes away ends it.
 *
 * <p>Nothing is said before the first portion is there, so what fails until then is a problem. What fails later breaks the
 * connection off: by the length, or the missing end of the chunks, the client knows that it has not got it all.
 */
@ApplicationScoped
class ContentRoutes {
    private static final Logger LOG = Logger.getLogger(ContentRoutes.class);
    private static final String EMAIL = "/v1/accounts/:accountId/emails/:emailId";

    /** For a client that takes nothing. */
    private static final Duration WRITE_MAX = Duration.ofSeconds(60);
    /** 512 MiB at 300 KB/s; whoever is slower keeps one of few places. */
    private static final Duration TOTAL_MAX = Duration.ofMinutes(30);

    private final ApiKeys keys;
    private final Content content;
    private final MeterRegistry metrics;
    private final Counter bytes;

    ContentRoutes(ApiKeys keys, Content content, DownloadLimits limits, MeterRegistry metrics) {
        this.keys = keys;
        this.content = content;
        this.metrics = metrics;
        this.bytes = Counter.builder("postbus.gateway.downloads.sent")
                .baseUnit("bytes")
                .register(metrics);
        metrics.gauge("postbus.gateway.downloads.running", limits, DownloadLimits::running);
    }

    void register(@Observes Router router) {
        router.route(HttpMethod.GET, EMAIL + "/raw").handler(request -> open(request, "raw", this::raw));
        router.route(HttpMethod.GET, EMAIL + "/attachments/:partId")
                .handler(request -> open(request, "attachment", this::attachment));
    }

    /** What a request is about. */
    private record Asked(RoutingContext request, TenantId tenant, AccountId account, EmailId email) {
        HttpServerResponse response() {
            return request.response();
        }
    }

    private interface Download {
        void run(Asked asked) throws InterruptedException;
    }

    private void open(RoutingContext request, String kind, Download download) {
        Future.fromCompletionStage(
                        keys.tenantOf(request.request().getHeader(HttpHeaders.AUTHORIZATION))
                                .subscribeAsCompletionStage(),
                        request.vertx().getOrCreateContext())
                .onFailure(failure -> ProblemResponses.send(request.response(), failure))
                .onSuccess(tenant -> start(request, kind, tenant, download));
    }

    private void start(RoutingContext request, String kind, TenantId tenant, Download download) {
        HttpServerResponse response = request.response();
        Thread thread = Thread.ofVirtual().name("download").unstarted(() -> {
            String outcome = run(request, tenant, download);
            metrics.counter("postbus.gateway.downloads", "kind", kind, "outcome", outcome)
                    .increment();
        });
        response.closeHandler(closed -> thread.interrupt());
        response.exceptionHandler(failure -> thread.interrupt());
        thread.start();
    }

    /** @return in a word, what came of it */
    private String run(RoutingContext request, TenantId tenant, Download download) {
        HttpServerResponse response = request.response();
        try {
            download.run(new Asked(
                    request,
                    tenant,
                    PathIds.account(request.pathParam("accountId")),
                    PathIds.email(request.pathParam("emailId"))));
            return "done";
        } catch (InterruptedException e) {
            response.reset();
            return "client-left";
        } catch (ContentException e) {
            end(response, e.failure().problem());
            return e.failure().reason();
        } catch (ServerException e) {
            // After the first portion.
            LOG.infof("a download broke off: %s", e.getMessage());
            end(response, ContentFailure.of(e.failure()).problem());
            return "server-away";
        } catch (ProblemException e) {
            end(response, e);
            return "refused";
        } catch (RuntimeException e) {
            end(response, e);
            return "failed";
        }
    }

    private static void end(HttpServerResponse response, RuntimeException failure) {
        if (response.headWritten()) {
            response.reset();
        } else if (!response.closed()) {
            response.headers().clear();
            ProblemResponses.send(response, failure);
        }
    }

    private void raw(Asked asked) throws InterruptedException {
        content.raw(asked.tenant(), asked.account(), asked.email(), open -> {
            head(asked.response(), "message/rfc822", Optional.of(asked.email() + ".eml"));
            pass(open, asked.response());
        });
    }

    private void attachment(Asked asked) throws InterruptedException {
        String partId = asked.request().pathParam("partId");
        content.part(asked.tenant(), asked.account(), asked.email(), partId, found -> {
            head(
                    asked.response(),
                    ContentDisposition.contentType(found.part()),
                    found.part().name());
            pass(found.content(), asked.response());
        });
    }

    private static void head(HttpServerResponse response, String type, Optional<String> name) {
        response.putHeader(HttpHeaders.CONTENT_TYPE, type)
                // Most of it is compressed already, and a compressed answer could not say how long it is.
                .putHeader(HttpHeaders.CONTENT_ENCODING, HttpHeaders.IDENTITY)
                .putHeader("Content-Disposition", ContentDisposition.attachment(name))
                // Whatever it is, it must not become a page of ours: not by its looks, and not when it is opened in
                // place.
                .putHeader("X-Content-Type-Options", "nosniff")
                .putHeader("Content-Security-Policy", "sandbox; default-src 'none'")
                .putHeader("Cross-Origin-Resource-Policy", "same-origin")
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-store");
    }

    private void pass(OpenContent open, HttpServerResponse response) throws InterruptedException {
        if (open.size().isPresent()) {
            response.putHeader(
                    HttpHeaders.CONTENT_LENGTH, Long.toString(open.size().getAsLong()));
        } else {
            response.setChunked(true);
        }
        long started = System.nanoTime();
        for (Optional<Buffer> portion = open.next(); portion.isPresent(); portion = open.next()) {
            if (System.nanoTime() - started > TOTAL_MAX.toNanos()) {
                throw Problem.unavailable("a download may take " + TOTAL_MAX.toMinutes() + " minutes", WRITE_MAX);
            }
            if (portion.get().length() > 0) {
                awaitSent(response.write(portion.get()));
                bytes.increment(portion.get().length());
            }
        }
        awaitSent(response.end());
    }

    private static void awaitSent(Future<Void> sent) throws InterruptedException {
        try {
            sent.toCompletionStage().toCompletableFuture().get(WRITE_MAX.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            InterruptedException left = new InterruptedException("the client does not take it");
            left.initCause(e);
            throw left;
        }
    }
}
