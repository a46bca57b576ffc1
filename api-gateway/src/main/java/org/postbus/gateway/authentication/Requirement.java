package org.postbus.gateway.authentication;

import java.util.Objects;

/** What a credential must allow so that a route may be called with it. */
sealed interface Requirement {
    /** A credential of a tenant, with this scope. */
    record OfTenant(Scope scope) implements Requirement {
        public OfTenant {
            Objects.requireNonNull(scope);
        }
    }

    /** A credential of an operator. */
    record OfOperator() implements Requirement {}
}
