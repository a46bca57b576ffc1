package org.postbus.gateway.quota;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.problem.Violations;

/**
 * A JSON merge patch (RFC 7396) of a tenant's limits, valid in form. Pure.
 *
 * @param changes empty: the default counts again
 */
record QuotaPatch(Map<Quota, Optional<Long>> changes) {
    QuotaPatch {
        changes = Map.copyOf(changes);
    }

    /** @throws org.postbus.gateway.problem.ProblemException 422 with every violation */
    static QuotaPatch of(JsonNode json) {
        Violations violations = new Violations();
        Map<Quota, Optional<Long>> changes = new EnumMap<>(Quota.class);
        json.properties().forEach(property -> {
            Optional<Quota> quota = Quota.find(property.getKey());
            JsonNode value = property.getValue();
            boolean valid = value.isNull()
                    || value.isIntegralNumber()
                            && value.canConvertToLong()
                            && value.longValue() >= 0
                            && value.longValue() <= TenantQuotas.LIMIT_MAX;
            if (quota.isEmpty()) {
                violations.add(Violation.at("there is no such quota: see GET /v1/usage", property.getKey()));
            } else if (!valid) {
                violations.add(Violation.at(
                        "must be a whole number between 0 and " + TenantQuotas.LIMIT_MAX + ", or null for the default",
                        property.getKey()));
            } else {
                changes.put(quota.get(), value.isNull() ? Optional.empty() : Optional.of(value.longValue()));
            }
        });
        violations.throwIfAny();
        return new QuotaPatch(changes);
    }
}
