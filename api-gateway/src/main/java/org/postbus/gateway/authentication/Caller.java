package org.postbus.gateway.authentication;

import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.RequestScoped;
import java.util.Optional;
import org.postbus.model.TenantId;

/** Who makes the request. It comes from the credential and from nowhere else. */
@RequestScoped
public class Caller {
    private AuthenticatedRequest request;

    /** @throws IllegalStateException for an operator, who can not call the routes of a tenant */
    public TenantId tenant() {
        return identity().tenant().orElseThrow(() -> new IllegalStateException("an operator has no tenant"));
    }

    public Identity identity() {
        return request().identity();
    }

    /** For work that continues on another thread: unlike this bean it does not belong to the request's context. */
    public AuthenticatedRequest request() {
        if (request == null) {
            throw new IllegalStateException("the request was not authenticated");
        }
        return request;
    }

    /** Empty if the request belongs to no tenant. */
    public Optional<TenantId> find() {
        return Optional.ofNullable(request).flatMap(known -> known.identity().tenant());
    }

    void is(RoutingContext context) {
        this.request = AuthenticatedRequest.of(context);
    }
}
