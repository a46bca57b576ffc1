package org.postbus.gateway.authentication;

import java.net.InetAddress;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.gateway.audit.Actor;
import org.postbus.model.TenantId;

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
        List<Network> networks,
        Optional<Instant> expiresAt) {
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
}
