package org.postbus.gateway.rest;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemResponses;

/**
 * Refuses a body that says it is too large, with a problem. The HTTP server's own limit, a little above the highest one here,
 * ends the connection of one that does not say so.
 */
@ApplicationScoped
class BodyLimit {
    /** A wish, an account: a few hundred bytes. */
    static final long BYTES_MAX = 1 << 20;
    /** A message of 10 MiB, its attachments in base64. */
    static final long SUBMISSION_BYTES_MAX = 14 << 20;

    private static final int BEFORE_EVERYTHING = 1_000;

    void register(@Observes Filters filters) {
        filters.register(BodyLimit::check, BEFORE_EVERYTHING);
    }

    private static void check(RoutingContext request) {
        String length = request.request().getHeader(HttpHeaders.CONTENT_LENGTH);
        long most = request.normalizedPath().endsWith("/submissions") ? SUBMISSION_BYTES_MAX : BYTES_MAX;
        if (length != null && isAbove(most, length)) {
            ProblemResponses.send(request.response(), Problem.tooLarge("a body may have " + (most >> 20) + " MiB"));
        } else {
            request.next();
        }
    }

    private static boolean isAbove(long most, String length) {
        try {
            return Long.parseLong(length.strip()) > most;
        } catch (NumberFormatException e) {
            return true;
        }
    }
}
