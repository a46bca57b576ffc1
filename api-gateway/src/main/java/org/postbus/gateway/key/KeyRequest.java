package org.postbus.gateway.key;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.gateway.authentication.Identity;
import org.postbus.gateway.authentication.Scope;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.network.IpNetwork;

/** What a new key is to allow; valid in form. Pure. */
record KeyRequest(String name, Set<Scope> scopes, List<IpNetwork> networks, Optional<Instant> expiresAt) {
    private static final int NAME_LENGTH_MAX = 200;
    private static final int NETWORKS_MAX = 32;
    private static final Duration GRACE_DEFAULT = Duration.ofDays(1);
    private static final Duration GRACE_MAX = Duration.ofDays(30);
    private static final Set<String> PROPERTIES = Set.of("name", "scopes", "allowedAddresses", "expiresAt");

    KeyRequest {
        Objects.requireNonNull(name);
        scopes = Set.copyOf(scopes);
        networks = List.copyOf(networks);
        Objects.requireNonNull(expiresAt);
    }

    /** @throws org.postbus.gateway.problem.ProblemException 422 with every violation */
    static KeyRequest read(JsonNode json, Instant now) {
        List<Violation> violations = new ArrayList<>();
        unknown(json, PROPERTIES, violations);
        JsonNode name = json.path("name");
        if (!name.isTextual()
                || name.asText().isBlank()
                || name.asText().length() > NAME_LENGTH_MAX
                || name.asText().chars().anyMatch(Character::isISOControl)) {
            violations.add(Violation.at("name must have 1 to " + NAME_LENGTH_MAX + " printable characters", "name"));
        }
        Set<Scope> scopes = scopes(json.path("scopes"), violations);
        List<IpNetwork> networks = networks(json.path("allowedAddresses"), violations);
        Optional<Instant> expiresAt = Optional.empty();
        if (json.has("expiresAt")) {
            try {
                expiresAt = Optional.of(Instant.parse(json.path("expiresAt").asText()));
                if (!expiresAt.get().isAfter(now)) {
                    violations.add(Violation.at("expiresAt must be in the future", "expiresAt"));
                }
            } catch (DateTimeParseException e) {
                violations.add(Violation.at("expiresAt must be a time such as 2030-01-31T12:00:00Z", "expiresAt"));
            }
        }
        if (!violations.isEmpty()) {
            throw Problem.invalid(violations);
        }
        return new KeyRequest(name.asText(), scopes, networks, expiresAt);
    }

    /**
     * How long the old key lives beside the one that replaces it: {@code graceSeconds}, by default a day.
     *
     * @throws org.postbus.gateway.problem.ProblemException 422
     */
    static Duration grace(JsonNode json) {
        List<Violation> violations = new ArrayList<>();
        unknown(json, Set.of("graceSeconds"), violations);
        JsonNode seconds = json.path("graceSeconds");
        if (!seconds.isMissingNode()
                && !(seconds.isIntegralNumber()
                        && seconds.canConvertToLong()
                        && seconds.asLong() >= 0
                        && seconds.asLong() <= GRACE_MAX.toSeconds())) {
            violations.add(
                    Violation.at("graceSeconds must be a number from 0 to " + GRACE_MAX.toSeconds(), "graceSeconds"));
        }
        if (!violations.isEmpty()) {
            throw Problem.invalid(violations);
        }
        return seconds.isMissingNode() ? GRACE_DEFAULT : Duration.ofSeconds(seconds.asLong());
    }

    /**
     * A tenant's key can not make a key that allows more than itself.
     *
     * @throws org.postbus.gateway.problem.ProblemException 403
     */
    void requireWithin(Identity caller) {
        if (!caller.scopes().containsAll(scopes)) {
            throw Problem.forbidden("a key can not make a key with scopes that it does not have itself; it has "
                    + caller.scopes().stream().map(Scope::wireName).sorted().toList());
        }
        boolean within = caller.networks().isEmpty()
                || !networks.isEmpty()
                        && networks.stream()
                                .allMatch(network ->
                                        caller.networks().stream().anyMatch(allowed -> allowed.contains(network)));
        if (!within) {
            throw Problem.forbidden(
                    "a key can not make a key for addresses from which it may not be used itself; it may"
                            + " be used from " + caller.networks());
        }
    }

    private static Set<Scope> scopes(JsonNode node, List<Violation> violations) {
        Set<Scope> scopes = EnumSet.noneOf(Scope.class);
        if (!node.isArray() || node.isEmpty() || node.size() > Scope.values().length) {
            violations.add(Violation.at(
                    "scopes must be a list of read, mutate, send, accounts and admin, with one of them at least",
                    "scopes"));
            return scopes;
        }
        for (JsonNode scope : node) {
            try {
                scopes.add(Scope.of(scope.asText()));
            } catch (IllegalArgumentException e) {
                violations.add(Violation.at("a scope is read, mutate, send, accounts or admin", "scopes"));
            }
        }
        return scopes;
    }

    private static List<IpNetwork> networks(JsonNode node, List<Violation> violations) {
        List<IpNetwork> networks = new ArrayList<>();
        if (node.isMissingNode()) {
            return networks;
        }
        if (!node.isArray() || node.size() > NETWORKS_MAX) {
            violations.add(Violation.at(
                    "allowedAddresses must be a list with up to " + NETWORKS_MAX + " entries", "allowedAddresses"));
            return networks;
        }
        for (JsonNode network : node) {
            try {
                networks.add(IpNetwork.parseLenient(network.asText()));
            } catch (IllegalArgumentException e) {
                violations.add(Violation.at(
                        "an allowed address is an IP address or a range such as 192.0.2.0/24", "allowedAddresses"));
            }
        }
        return networks;
    }

    private static void unknown(JsonNode json, Set<String> known, List<Violation> violations) {
        for (Iterator<String> names = json.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!known.contains(name)) {
                violations.add(Violation.at("there is no such property", name));
                // One is enough: a body may have thousands.
                return;
            }
        }
    }
}
