package org.postbus.gateway.problem;

import io.smallrye.mutiny.CompositeException;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;
import org.postbus.codec.EventCodec;
import org.postbus.kit.sql.DatabaseFailure;
import org.postbus.kit.sql.TenantBusyException;

/** Turns every failure of a request into a {@link Problem}: the API has no other error body. */
public final class ProblemResponses {
    private static final Logger LOG = Logger.getLogger(ProblemResponses.class);
    private static final Duration RETRY_AFTER = Duration.ofSeconds(5);
    private static final String UNAVAILABLE =
            "the database is unavailable; repeat the request after the time in Retry-After. A request that changes something may have been carried"
                    + " out nevertheless: repeat it with the same Idempotency-Key, or read first";
    private static final String CONTENDED =
            "another change of the same data was in the way, and nothing was done; repeat the request after the time in Retry-After";

    @ServerExceptionMapper
    Response problem(ProblemException e) {
        return response(e.problem(), e.retryAfter());
    }

    @ServerExceptionMapper
    Response framework(WebApplicationException e) {
        int status = e.getResponse().getStatus();
        if (status == 404 && e.getCause() instanceof IllegalArgumentException) {
            // The framework throws this for a query parameter that it can not convert.
            return response(Problem.of(400, "a query parameter has the wrong type: see /openapi"));
        }
        return status >= 500 ? unexpected(e) : response(Problem.of(status, null));
    }

    @ServerExceptionMapper
    Response unexpected(Throwable e) {
        return response(problemOf(e));
    }

    /** For routes that do not use the REST framework. */
    public static void send(HttpServerResponse response, Throwable failure) {
        Problem problem = problemOf(failure);
        response.setStatusCode(problem.status()).putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE);
        headers(problem, retryAfter(failure)).forEach(response::putHeader);
        response.end(Buffer.buffer(EventCodec.encode(problem)));
    }

    private static Problem problemOf(Throwable failure) {
        Optional<ProblemException> known = known(failure);
        if (known.isPresent()) {
            return known.get().problem();
        }
        if (failure instanceof TenantBusyException) {
            return Problem.of(429, "too many requests of this tenant wait for the database; send fewer at a time");
        }
        return switch (DatabaseFailure.of(failure)) {
            case DatabaseFailure.Unavailable() -> {
                LOG.warnf("the database is unavailable: %s", failure.getMessage());
                yield Problem.of(503, UNAVAILABLE);
            }
            case DatabaseFailure.Contended() -> {
                LOG.warnf("a request gave way to another transaction: %s", failure.getMessage());
                yield Problem.of(503, CONTENDED);
            }
            case DatabaseFailure.Unstorable() -> mistake(failure);
            case DatabaseFailure.Unexpected() -> mistake(failure);
        };
    }

    private static Problem mistake(Throwable failure) {
        LOG.error("a request failed", failure);
        return Problem.of(500, null);
    }

    private static Optional<Duration> retryAfter(Throwable failure) {
        return known(failure).flatMap(ProblemException::retryAfter);
    }

    /** A transaction whose work ended with a problem, and whose rollback failed too, fails with both. */
    private static Optional<ProblemException> known(Throwable failure) {
        Throwable first =
                failure instanceof CompositeException both ? both.getCauses().getFirst() : failure;
        return first instanceof ProblemException known ? Optional.of(known) : Optional.empty();
    }

    private static Map<String, String> headers(Problem problem, Optional<Duration> retryAfter) {
        if (problem.status() == 401) {
            return Map.of(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"postbus\"");
        }
        return retryAfter
                .or(() -> problem.status() == 503 || problem.status() == 429
                        ? Optional.of(RETRY_AFTER)
                        : Optional.empty())
                .map(time -> Map.of(HttpHeaders.RETRY_AFTER, Long.toString(Math.max(1, time.toSeconds()))))
                .orElse(Map.of());
    }

    static Response response(Problem problem) {
        return response(problem, Optional.empty());
    }

    private static Response response(Problem problem, Optional<Duration> retryAfter) {
        Response.ResponseBuilder response =
                Response.status(problem.status()).type(Problem.TYPE).entity(problem);
        headers(problem, retryAfter).forEach(response::header);
        return response.build();
    }
}
