package org.postbus.gateway.authentication;

import io.vertx.ext.web.RoutingContext;
import java.net.InetAddress;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.gateway.audit.Actor;
import org.postbus.model.TenantId;
import org.postbus.network.IpNetwork;

/**
 * What a valid credential says: who it is and what it allows.
 *
 * @param tenant empty for an operator
 * @param networks from which it may be used; empty: from everywhere
 * @param expiresAt empty: never
 */
public record Identity(
        Actor actor,
        Optional<TenantId> tenant,
        Set<Scope> scopes,
        List<IpNetwork> networks,
        Optional<Instant> expiresAt) {
    private static final String KEY = Identity.class.getName();

    public Identity {
        Objects.requireNonNull(actor);
        Objects.requireNonNull(tenant);
        scopes = Set.copyOf(scopes);
        networks = List.copyOf(networks);
        Objects.requireNonNull(expiresAt);
    }

    boolean isExpired(Instant now) {
        return expiresAt.map(end -> !now.isBefore(end)).orElse(false);
    }

    boolean mayComeFrom(InetAddress address) {
        return networks.isEmpty() || networks.stream().anyMatch(network -> network.contains(address));
    }

    /** Of the request, whether its route allows it or not; empty outside of {@code /v1}. */
    public static Optional<Identity> of(RoutingContext context) {
        return Optional.ofNullable(context.get(KEY));
    }

    void attach(RoutingContext context) {
        context.put(KEY, this);
    }
}
