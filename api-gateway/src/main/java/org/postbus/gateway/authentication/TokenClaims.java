package org.postbus.gateway.authentication;

import jakarta.json.JsonString;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.postbus.model.TenantId;

/**
 * What a token's claims say about tenant and scopes. Pure.
 *
 * @param tenant empty for an operator
 */
record TokenClaims(Optional<TenantId> tenant, Set<Scope> scopes) {
    private static final String OPERATOR = "operator";

    /**
     * Empty if the claims allow nothing: neither a tenant with scopes, nor an operator.
     *
     * @param tenant the value of the tenant's claim; null if there is none
     * @param scopes the value of the claim with the scopes; null if there is none. Unknown scopes are ignored: they are another service's
     */
    static Optional<TokenClaims> of(Object tenant, Object scopes) {
        List<String> named = texts(scopes);
        if (tenant == null) {
            return named.contains(OPERATOR)
                    ? Optional.of(new TokenClaims(Optional.empty(), Set.of(Scope.ADMIN)))
                    : Optional.empty();
        }
        Set<Scope> known = new HashSet<>();
        for (Scope scope : Scope.values()) {
            if (named.contains(scope.wireName())) {
                known.add(scope);
            }
        }
        List<String> ids = texts(tenant);
        try {
            return ids.size() == 1 && !known.isEmpty()
                    ? Optional.of(new TokenClaims(Optional.of(TenantId.of(ids.getFirst())), known))
                    : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static List<String> texts(Object claim) {
        return switch (claim) {
            case null -> List.of();
            case JsonString text -> texts(text.getString());
            case Collection<?> values ->
                values.stream().flatMap(value -> texts(value).stream()).toList();
            case String text ->
                Arrays.stream(text.split(" ")).filter(part -> !part.isEmpty()).toList();
            default -> List.of();
        };
    }
}
