package org.postbus.gateway.rest;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemResponses;

/**
 * Answers a body whose Content-Length is too large with a problem. A body without Content-Length meets the limit of the HTTP server,
 * which is a little above the highest one here and closes the connection.
 */
@ApplicationScoped
class BodyLimit {
    /** For everything but messages: an account or a mutation has a few hundred bytes. */
    static final long BYTES_MAX = 1 << 20;
    /** For a message of 10 MiB with its attachments in base64. */
    static final long SUBMISSION_BYTES_MAX = 14 << 20;

    private static final int FIRST = 1_000;

    void register(@Observes Filters filters) {
        filters.register(BodyLimit::check, FIRST);
    }

    private static void check(RoutingContext request) {
        String length = request.request().getHeader(HttpHeaders.CONTENT_LENGTH);
        long bytesMax = request.normalizedPath().endsWith("/submissions") ? SUBMISSION_BYTES_MAX : BYTES_MAX;
        if (length != null && isAbove(bytesMax, length)) {
            ProblemResponses.send(
                    request.response(),
                    Problem.tooLarge("the body has more than " + (bytesMax >> 20) + " MiB; send less"));
        } else {
            request.next();
        }
    }

    private static boolean isAbove(long bytesMax, String length) {
        try {
            return Long.parseLong(length.strip()) > bytesMax;
        } catch (NumberFormatException e) {
            return true;
        }
    }
}
