package org.postbus.gateway.authentication;

import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import org.jboss.resteasy.reactive.server.ServerRequestFilter;

/** Refuses every request under /v1 that has no valid API key. */
final class Authentication {
    private final ApiKeys keys;
    private final Caller caller;

    Authentication(ApiKeys keys, Caller caller) {
        this.keys = keys;
        this.caller = caller;
    }

    @ServerRequestFilter(preMatching = true)
    Uni<Response> authenticate(ContainerRequestContext request) {
        if (!request.getUriInfo().getPath().startsWith("/v1")) {
            return Uni.createFrom().nullItem();
        }
        return keys.tenantOf(request.getHeaderString(HttpHeaders.AUTHORIZATION))
                .invoke(caller::is)
                .replaceWith((Response) null);
    }
}
