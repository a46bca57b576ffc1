package org.postbus.gateway;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ConnectionPoolTooBusyException;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.impl.NoStackTraceThrowable;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.ClosedConnectionException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;
import org.postbus.codec.EventCodec;

/** Turns whatever ends a request into a {@link Problem}: there is no other kind of error body. */
public final class ProblemResponses {
    private static final Logger LOG = Logger.getLogger(ProblemResponses.class);
    private static final Duration RETRY_AFTER = Duration.ofSeconds(5);

    @ServerExceptionMapper
    Response problem(ProblemException e) {
        return response(e.problem(), e.retryAfter());
    }

    @ServerExceptionMapper
    Response framework(WebApplicationException e) {
        int status = e.getResponse().getStatus();
        if (status == 404 && e.getCause() instanceof IllegalArgumentException) {
            // The framework's answer to a query parameter that it cannot convert.
            return response(Problem.of(400, "a query parameter is not of its type"));
        }
        return status >= 500 ? unexpected(e) : response(Problem.of(status, null));
    }

    @ServerExceptionMapper
    Response unexpected(Throwable e) {
        return response(problemOf(e));
    }

    /** For routes below the REST framework. */
    public static void send(HttpServerResponse response, Throwable failure) {
        Problem problem = problemOf(failure);
        response.setStatusCode(problem.status()).putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE);
        headers(problem, retryAfter(failure)).forEach(response::putHeader);
        response.end(Buffer.buffer(EventCodec.encode(problem)));
    }

    private static Problem problemOf(Throwable failure) {
        if (failure instanceof ProblemException known) {
            return known.problem();
        }
        if (databaseIsAway(failure)) {
            LOG.warnf("the database is away: %s", failure.getMessage());
            return Problem.of(503, "the database cannot be reached");
        }
        LOG.error("a request failed", failure);
        return Problem.of(500, null);
    }

    private static Optional<Duration> retryAfter(Throwable failure) {
        return failure instanceof ProblemException known ? known.retryAfter() : Optional.empty();
    }

    private static Map<String, String> headers(Problem problem, Optional<Duration> retryAfter) {
        if (problem.status() == 401) {
            return Map.of(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"postbus\"");
        }
        return retryAfter
                .or(() -> problem.status() == 503 ? Optional.of(RETRY_AFTER) : Optional.empty())
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

    /** A broken connection, no free one in time, or a server that is starting or stopping (SQLSTATE classes 08 and 57P). */
    static boolean databaseIsAway(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof PgException pg) {
                String state = Optional.ofNullable(pg.getSqlState()).orElse("");
                return state.startsWith("08") || state.startsWith("57P") || state.startsWith("53");
            }
            if (cause instanceof SocketException
                    || cause instanceof UnknownHostException
                    || cause instanceof TimeoutException
                    || cause instanceof ClosedConnectionException
                    || cause instanceof ConnectionPoolTooBusyException
                    // The pool's own way of saying that no connection became free in time.
                    || cause instanceof NoStackTraceThrowable && "Timeout".equals(cause.getMessage())) {
                return true;
            }
        }
        return false;
    }
}
