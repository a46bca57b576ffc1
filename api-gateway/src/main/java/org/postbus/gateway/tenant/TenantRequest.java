package org.postbus.gateway.tenant;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.tenant.Tenant.Status;

/** A new tenant, or a change of one; valid in form. An empty property stays as it is. Pure. */
record TenantRequest(Optional<String> name, Optional<Status> status, Optional<String> reason) {
    private static final int NAME_LENGTH_MAX = 200;
    private static final int REASON_LENGTH_MAX = 500;

    TenantRequest {
        Objects.requireNonNull(name);
        Objects.requireNonNull(status);
        Objects.requireNonNull(reason);
    }

    /** @throws org.postbus.gateway.problem.ProblemException 422 with every violation */
    static TenantRequest create(JsonNode json) {
        return read(json, Set.of("name"), true);
    }

    /** @throws org.postbus.gateway.problem.ProblemException 422 with every violation */
    static TenantRequest change(JsonNode json) {
        return read(json, Set.of("name", "status", "reason"), false);
    }

    private static TenantRequest read(JsonNode json, Set<String> known, boolean nameNeeded) {
        List<Violation> violations = new ArrayList<>();
        for (Iterator<String> names = json.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!known.contains(name)) {
                violations.add(Violation.at("there is no such property", name));
                // One is enough: a body may have thousands.
                break;
            }
        }
        Optional<String> name = text(json, "name", NAME_LENGTH_MAX, violations);
        if (nameNeeded && !json.has("name")) {
            violations.add(Violation.at("name is required", "name"));
        }
        Optional<String> reason = text(json, "reason", REASON_LENGTH_MAX, violations);
        Optional<Status> status = Optional.empty();
        if (json.has("status")) {
            switch (json.path("status").asText("")) {
                case "active" -> status = Optional.of(Status.ACTIVE);
                case "suspended" -> status = Optional.of(Status.SUSPENDED);
                default ->
                    violations.add(
                            Violation.at("status must be active or suspended; DELETE deletes a tenant", "status"));
            }
        }
        if (reason.isPresent() && !status.equals(Optional.of(Status.SUSPENDED))) {
            violations.add(Violation.at("a reason belongs to the status suspended", "reason"));
        }
        if (!violations.isEmpty()) {
            throw Problem.invalid(violations);
        }
        return new TenantRequest(name, status, reason);
    }

    private static Optional<String> text(JsonNode json, String property, int lengthMax, List<Violation> violations) {
        JsonNode node = json.path(property);
        if (node.isMissingNode()) {
            return Optional.empty();
        }
        String text = node.asText("");
        if (!node.isTextual()
                || text.isBlank()
                || text.length() > lengthMax
                || text.chars().anyMatch(Character::isISOControl)) {
            violations.add(Violation.at(property + " must have 1 to " + lengthMax + " printable characters", property));
            return Optional.empty();
        }
        return Optional.of(text);
    }
}
