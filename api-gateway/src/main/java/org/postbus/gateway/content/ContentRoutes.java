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
import org.jboss.logging.Logger;
import org.postbus.gateway.authentication.AuthenticatedRequest;
import org.postbus.gateway.authentication.Identity;
import org.postbus.gateway.authentication.OpenUses;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.gateway.problem.ProblemResponses;
import org.postbus.gateway.rest.PathIds;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.TenantId;

/**
 * {@code GET …/raw} and {@code GET …/attachments/{partId}}: streams content from the mail server to the client. Routes below the REST
 * framework, because each chunk is read only after the one before was written: a slow client slows the reading of the mail server's socket,
 * and a client that disconnects ends it.
 *
 * <p>The response begins when the first chunk has arrived, so an earlier failure becomes a problem. A later failure resets the
 * connection: the client sees a short body or an unfinished chunked encoding.
 */
@ApplicationScoped
class ContentRoutes {
    private static final Logger LOG = Logger.getLogger(ContentRoutes.class);
    private static final String EMAIL = "/v1/accounts/:accountId/emails/:emailId";

    /** The longest write to a client that does not read. */
    private static final Duration WRITE_TIME_MAX = Duration.ofSeconds(60);
    /** 512 MiB at 300 KB/s. A slower client would occupy one of few permits. */
    private static final Duration TOTAL_TIME_MAX = Duration.ofMinutes(30);

    private final OpenUses uses;
    private final Content content;
    private final MeterRegistry metrics;
    private final Counter bytes;

    ContentRoutes(OpenUses uses, Content content, DownloadLimits limits, MeterRegistry metrics) {
        this.uses = uses;
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

    private record Target(RoutingContext request, TenantId tenant, AccountId account, EmailId email) {
        HttpServerResponse response() {
            return request.response();
        }
    }

    private interface Download {
        void run(Target target) throws InterruptedException;
    }

    private void open(RoutingContext request, String kind, Download download) {
        start(request, kind, AuthenticatedRequest.of(request).identity(), download);
    }

    private void start(RoutingContext request, String kind, Identity identity, Download download) {
        HttpServerResponse response = request.response();
        Thread thread = Thread.ofVirtual().name("download").unstarted(() -> {
            Thread self = Thread.currentThread();
            String outcome;
            try (OpenUses.Use use = uses.begin(identity)) {
                use.whenRevoked(self::interrupt);
                outcome = run(request, identity.tenant().orElseThrow(), download);
            }
            metrics.counter("postbus.gateway.downloads", "kind", kind, "outcome", outcome)
                    .increment();
        });
        response.closeHandler(closed -> thread.interrupt());
        response.exceptionHandler(failure -> thread.interrupt());
        thread.start();
    }

    /** @return the outcome, as a tag of the metric */
    private String run(RoutingContext request, TenantId tenant, Download download) {
        HttpServerResponse response = request.response();
        try {
            download.run(new Target(
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
            // After the first chunk.
            LOG.infof("a download failed: %s", e.getMessage());
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

    private void raw(Target target) throws InterruptedException {
        content.raw(target.tenant(), target.account(), target.email(), open -> {
            head(target.response(), "message/rfc822", Optional.of(target.email() + ".eml"));
            pass(open, target.response());
        });
    }

    private void attachment(Target target) throws InterruptedException {
        String partId = target.request().pathParam("partId");
        content.part(target.tenant(), target.account(), target.email(), partId, found -> {
            head(
                    target.response(),
                    ContentDisposition.contentType(found.part()),
                    found.part().name());
            pass(found.content(), target.response());
        });
    }

    private static void head(HttpServerResponse response, String type, Optional<String> name) {
        response.putHeader(HttpHeaders.CONTENT_TYPE, type)
                // Most content is compressed already, and a compressed response has no Content-Length.
                .putHeader(HttpHeaders.CONTENT_ENCODING, HttpHeaders.IDENTITY)
                .putHeader("Content-Disposition", ContentDisposition.attachment(name))
                // A browser must not run the content as a page of this origin, neither by sniffing its type nor when it
                // is
                // opened inline.
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
        for (Optional<Buffer> chunk = open.next(); chunk.isPresent(); chunk = open.next()) {
            if (System.nanoTime() - started > TOTAL_TIME_MAX.toNanos()) {
                throw Problem.unavailable(
                        "a download may take at most " + TOTAL_TIME_MAX.toMinutes()
                                + " minutes; use a faster connection",
                        WRITE_TIME_MAX);
            }
            if (chunk.get().length() > 0) {
                awaitSent(response.write(chunk.get()));
                bytes.increment(chunk.get().length());
            }
        }
        awaitSent(response.end());
    }

    private static void awaitSent(Future<Void> sent) throws InterruptedException {
        try {
            Await.of(sent, WRITE_TIME_MAX, waited -> new IllegalStateException("the client does not read"));
        } catch (RuntimeException e) {
            InterruptedException left = new InterruptedException("the client disconnected or does not read");
            left.initCause(e);
            throw left;
        }
    }
}
