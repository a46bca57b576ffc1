package org.postbus.gateway.authentication;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.postbus.gateway.authentication.Requirement.OfOperator;
import org.postbus.gateway.authentication.Requirement.OfTenant;

/**
 * Every route under {@code /v1} and what it requires. A route that is not listed here can not be called: it is answered as one that
 * does not exist.
 */
final class Routes {
    private static final String ACCOUNT = "/v1/accounts/{accountId}";
    private static final String EMAIL = ACCOUNT + "/emails/{emailId}";
    private static final String TENANT = "/v1/admin/tenants/{tenantId}";

    static final List<Route> ALL = List.of(
            tenant("GET", "/v1/accounts", Scope.READ),
            tenant("POST", "/v1/accounts", Scope.ACCOUNTS),
            tenant("POST", "/v1/accounts/check", Scope.ACCOUNTS),
            tenant("GET", "/v1/discovery", Scope.ACCOUNTS),
            tenant("GET", ACCOUNT, Scope.READ),
            tenant("PATCH", ACCOUNT, Scope.ACCOUNTS),
            tenant("DELETE", ACCOUNT, Scope.ACCOUNTS),
            tenant("POST", ACCOUNT + "/sync", Scope.READ),
            tenant("GET", ACCOUNT + "/sync-log", Scope.READ),
            tenant("GET", ACCOUNT + "/quarantine", Scope.READ),
            tenant("POST", ACCOUNT + "/quarantine/{quarantineId}/retry", Scope.READ),
            tenant("GET", ACCOUNT + "/changes", Scope.READ),
            tenant("GET", "/v1/events", Scope.READ),
            tenant("GET", ACCOUNT + "/mailboxes", Scope.READ),
            tenant("POST", ACCOUNT + "/mailboxes", Scope.MUTATE),
            tenant("PATCH", ACCOUNT + "/mailboxes/{mailboxId}", Scope.MUTATE),
            tenant("DELETE", ACCOUNT + "/mailboxes/{mailboxId}", Scope.MUTATE),
            tenant("GET", ACCOUNT + "/emails", Scope.READ),
            tenant("POST", ACCOUNT + "/emails/batch", Scope.MUTATE),
            tenant("GET", EMAIL, Scope.READ),
            tenant("PATCH", EMAIL, Scope.MUTATE),
            tenant("DELETE", EMAIL, Scope.MUTATE),
            tenant("GET", EMAIL + "/raw", Scope.READ),
            tenant("GET", EMAIL + "/attachments/{partId}", Scope.READ),
            tenant("GET", ACCOUNT + "/mutations", Scope.READ),
            tenant("DELETE", ACCOUNT + "/mutations", Scope.MUTATE),
            tenant("POST", ACCOUNT + "/mutations/retry", Scope.MUTATE),
            tenant("DELETE", ACCOUNT + "/mutations/{mutationId}", Scope.MUTATE),
            tenant("POST", ACCOUNT + "/mutations/{mutationId}/retry", Scope.MUTATE),
            tenant("GET", ACCOUNT + "/submissions", Scope.READ),
            tenant("POST", ACCOUNT + "/submissions", Scope.SEND),
            tenant("GET", ACCOUNT + "/submissions/{submissionId}", Scope.READ),
            tenant("DELETE", ACCOUNT + "/submissions/{submissionId}", Scope.SEND),
            tenant("POST", ACCOUNT + "/submissions/{submissionId}/retry", Scope.SEND),
            tenant("GET", "/v1/usage", Scope.READ),
            tenant("GET", "/v1/keys", Scope.ADMIN),
            tenant("POST", "/v1/keys", Scope.ADMIN),
            tenant("POST", "/v1/keys/{keyId}/rotate", Scope.ADMIN),
            tenant("DELETE", "/v1/keys/{keyId}", Scope.ADMIN),
            tenant("GET", "/v1/audit", Scope.ADMIN),
            operator("GET", "/v1/admin/tenants"),
            operator("POST", "/v1/admin/tenants"),
            operator("GET", TENANT),
            operator("PATCH", TENANT),
            operator("DELETE", TENANT),
            operator("GET", TENANT + "/quotas"),
            operator("PATCH", TENANT + "/quotas"),
            operator("GET", TENANT + "/keys"),
            operator("POST", TENANT + "/keys"),
            operator("POST", TENANT + "/keys/{keyId}/rotate"),
            operator("DELETE", TENANT + "/keys/{keyId}"),
            operator("GET", "/v1/admin/keyset"),
            operator("GET", "/v1/admin/audit"));

    private Routes() {}

    /** @param template the path, with variables such as {@code {accountId}} that stand for one segment each */
    record Route(String method, String template, Requirement requirement) {
        private static final List<String> DOWNLOADS = List.of("/raw", "/attachments/{partId}");

        /** Whether a successful request belongs in the audit log: it changes something, or hands out what Postbus does not store. */
        boolean isAudited() {
            return !method.equals("GET") || DOWNLOADS.stream().anyMatch(template::endsWith);
        }
    }

    /** The routes that match a request's path. */
    sealed interface Match {
        /** @param variables the values of the path's variables, in order */
        record Found(Route route, Map<String, String> variables) implements Match {
            public Found {
                Objects.requireNonNull(route);
            }
        }

        /** The path exists, but not with this method. */
        record OtherMethod() implements Match {}

        record Unknown() implements Match {}
    }

    /** @param path normalized, without the query */
    static Match find(String method, String path) {
        String wanted = method.equals("HEAD") ? "GET" : method;
        List<String> segments = segments(path);
        boolean exists = false;
        Optional<Match.Found> found = Optional.empty();
        for (Route route : ALL) {
            Optional<Map<String, String>> variables = match(segments(route.template()), segments);
            exists |= variables.isPresent();
            if (variables.isPresent() && route.method().equals(wanted)) {
                Match.Found match = new Match.Found(route, variables.get());
                // As the framework does: a route with a literal segment is chosen before one with a variable.
                found = found.filter(before ->
                                before.variables().size() <= match.variables().size())
                        .or(() -> Optional.of(match));
            }
        }
        if (found.isPresent()) {
            return found.get();
        }
        return exists ? new Match.OtherMethod() : new Match.Unknown();
    }

    private static Optional<Map<String, String>> match(List<String> template, List<String> path) {
        if (template.size() != path.size()) {
            return Optional.empty();
        }
        Map<String, String> variables = new LinkedHashMap<>();
        for (int i = 0; i < path.size(); i++) {
            String part = template.get(i);
            if (part.startsWith("{")) {
                variables.put(part.substring(1, part.length() - 1), path.get(i));
            } else if (!part.equals(path.get(i))) {
                return Optional.empty();
            }
        }
        return Optional.of(variables);
    }

    private static List<String> segments(String path) {
        List<String> segments = new ArrayList<>();
        for (String segment : path.split("/", -1)) {
            segments.add(segment);
        }
        // A slash at the end makes no difference to the framework.
        if (segments.getLast().isEmpty()) {
            segments.removeLast();
        }
        return segments;
    }

    private static Route tenant(String method, String template, Scope scope) {
        return new Route(method, template, new OfTenant(scope));
    }

    private static Route operator(String method, String template) {
        return new Route(method, template, new OfOperator());
    }
}
