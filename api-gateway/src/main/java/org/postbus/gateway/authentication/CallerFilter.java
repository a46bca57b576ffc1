package org.postbus.gateway.authentication;

import io.vertx.ext.web.RoutingContext;
import org.jboss.resteasy.reactive.server.ServerRequestFilter;
import org.postbus.gateway.problem.Problem;

/** Hands the {@link Caller} to the resources. {@link Authentication} has checked the request before. */
final class CallerFilter {
    private final Caller caller;

    CallerFilter(Caller caller) {
        this.caller = caller;
    }

    @ServerRequestFilter(preMatching = true)
    void identify(RoutingContext context) {
        if (AuthenticatedRequest.find(context).isPresent()) {
            caller.is(context);
        }
    }

    /** For every resource that the framework found, by whatever path: none is open to the public. */
    @ServerRequestFilter
    void require(RoutingContext context) {
        if (AuthenticatedRequest.find(context).isEmpty()) {
            throw Problem.unauthorized("this path needs an API key, and is not written as /openapi shows it");
        }
    }
}
