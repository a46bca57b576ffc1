package org.postbus.gateway.authentication;

import java.util.Optional;

/**
 * Whether a tenant may make requests.
 *
 * @param status as in the table {@code tenant}; {@code unknown} if there is no such tenant
 * @param reason of a suspension
 */
record TenantState(String status, Optional<String> reason) {
    static final TenantState UNKNOWN = new TenantState("unknown", Optional.empty());

    /** Empty: it may. */
    Optional<String> refusal() {
        return switch (status) {
            case "active" -> Optional.empty();
            case "suspended" ->
                Optional.of("this tenant is suspended"
                        + reason.map(text -> ": " + text).orElse("") + "; ask the operator");
            case "deleting" -> Optional.of("this tenant is being deleted");
            default -> Optional.of("there is no such tenant");
        };
    }
}
