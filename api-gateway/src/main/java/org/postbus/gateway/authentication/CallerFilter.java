package org.postbus.gateway.authentication;

import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.container.ContainerRequestContext;
import org.jboss.resteasy.reactive.server.ServerRequestFilter;

/** Hands the {@link Caller} to the resources. {@link Authentication} has checked the request before. */
final class CallerFilter {
    private final Caller caller;

    CallerFilter(Caller caller) {
        this.caller = caller;
    }

    @ServerRequestFilter(preMatching = true)
    void identify(ContainerRequestContext request, RoutingContext context) {
        if (Authentication.isProtected(request.getUriInfo().getPath())
                && Authentication.isProtected(context.normalizedPath())) {
            caller.is(context);
        }
    }
}
