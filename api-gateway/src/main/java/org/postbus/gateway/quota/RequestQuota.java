package org.postbus.gateway.quota;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.Context;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Optional;
import org.postbus.gateway.authentication.Identity;
import org.postbus.gateway.problem.ProblemResponses;
import org.postbus.model.TenantId;

/** Counts every authenticated request of a tenant, for whatever route. Those of operators have no limit. */
@ApplicationScoped
class RequestQuota {
    /** After the credential is known, before the route is judged. */
    private static final int ORDER = 800;

    private final Rates rates;

    RequestQuota(Rates rates) {
        this.rates = rates;
    }

    void register(@Observes Filters filters) {
        filters.register(this::count, ORDER);
    }

    private void count(RoutingContext routing) {
        Optional<TenantId> tenant = Identity.of(routing).flatMap(Identity::tenant);
        if (tenant.isEmpty()) {
            routing.next();
            return;
        }
        // The limits are cached for most requests, which then go on at once. For the others the body waits at the
        // client.
        routing.request().pause();
        Context context = routing.vertx().getOrCreateContext();
        rates.request(tenant.get())
                .subscribe()
                .with(
                        granted -> context.runOnContext(resumed -> {
                            routing.request().resume();
                            routing.next();
                        }),
                        failure -> context.runOnContext(resumed -> {
                            routing.request().resume();
                            ProblemResponses.send(routing.response(), failure);
                        }));
    }
}
