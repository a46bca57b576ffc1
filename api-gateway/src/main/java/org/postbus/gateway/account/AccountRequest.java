package org.postbus.gateway.account;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.Problem.Violation;
import org.postbus.gateway.Problem;
import org.postbus.topic.AccountRecord;

/** What a new account is to be, or an old one after a change; valid in form. Whether its hosts may be used is not known yet. */
record AccountRequest(
        String email, AccountSettings settings, Optional<Credential> credential, AccountRecord.Status status) {
    private static final int TEXT_LENGTH_MAX = 320;
    private static final int SECRET_LENGTH_MAX = 4096;
    private static final int TRUSTED_HOSTS_MAX = 16;
    private static final Set<String> PROPERTIES =
            Set.of("protocol", "email", "username", "password", "accessToken", "imap", "smtp", "jmap", "status");
    private static final Set<String> ADDRESS_PROPERTIES = Set.of("host", "port", "tls");
    private static final Pattern JMAP_ID = Pattern.compile("[A-Za-z0-9_-]{1,255}");
    private static final Pattern HOST = Pattern.compile("[\\p{Alnum}.:_-]{1,253}");

    AccountRequest {
        Objects.requireNonNull(email);
        Objects.requireNonNull(settings);
        Objects.requireNonNull(credential);
        Objects.requireNonNull(status);
    }

    /** @throws org.postbus.gateway.ProblemException 422 that names every violation */
    static AccountRequest create(JsonNode json) {
        return new Reader(json, true).read();
    }

    /**
     * The account after a JSON merge patch (RFC 7396). Its address and protocol stay: mail of another mailbox would be
     * another account.
     *
     * @throws org.postbus.gateway.ProblemException 422 that names every violation
     */
    static AccountRequest change(String email, AccountSettings settings, AccountRecord.Status status, JsonNode patch) {
        ObjectNode current =
                EventCodec.mapper().createObjectNode().put("email", email).put("status", status.wireName());
        current.put("username", settings.username());
        switch (settings) {
            case AccountSettings.Imap(var username, var imap, var smtp) -> {
                current.put("protocol", AccountRecord.Protocol.IMAP.wireName());
                current.set("imap", EventCodec.mapper().valueToTree(imap));
                smtp.ifPresent(
                        address -> current.set("smtp", EventCodec.mapper().valueToTree(address)));
            }
            case AccountSettings.Jmap(var username, var sessionUrl, var accountId, var trustedHosts, var smtp) -> {
                current.put("protocol", AccountRecord.Protocol.JMAP.wireName());
                ObjectNode jmap = current.putObject("jmap").put("sessionUrl", sessionUrl.toString());
                accountId.ifPresent(id -> jmap.put("accountId", id));
                jmap.set("trustedHosts", EventCodec.mapper().valueToTree(trustedHosts));
                smtp.ifPresent(
                        address -> current.set("smtp", EventCodec.mapper().valueToTree(address)));
            }
        }
        List<Violation> fixed = new ArrayList<>();
        for (String name : List.of("email", "protocol")) {
            if (patch.has(name) && !patch.get(name).equals(current.get(name))) {
                fixed.add(Violation.at(name + " cannot be changed", name));
            }
        }
        JsonNode jmap = patch.path("jmap");
        String accountId = current.path("jmap").path("accountId").asText("");
        if (jmap.has("accountId") && !jmap.get("accountId").asText("").equals(accountId)) {
            fixed.add(Violation.at("accountId cannot be changed", "jmap", "accountId"));
        }
        if (!fixed.isEmpty()) {
            throw Problem.invalid(fixed);
        }
        return new Reader(merged(current, patch), false).read();
    }

    /** Every host that the account would make Postbus connect to, with where the request names it. */
    List<NamedHost> hosts() {
        return switch (settings) {
            case AccountSettings.Imap(var username, var imap, var smtp) -> {
                List<NamedHost> hosts = new ArrayList<>();
                hosts.add(new NamedHost(imap.host(), List.of("imap", "host")));
                smtp.ifPresent(address -> hosts.add(new NamedHost(address.host(), List.of("smtp", "host"))));
                yield hosts;
            }
            case AccountSettings.Jmap(var username, var sessionUrl, var accountId, var trustedHosts, var smtp) -> {
                List<NamedHost> hosts = new ArrayList<>();
                hosts.add(new NamedHost(bare(sessionUrl.getHost()), List.of("jmap", "sessionUrl")));
                trustedHosts.forEach(host -> hosts.add(new NamedHost(host, List.of("jmap", "trustedHosts"))));
                smtp.ifPresent(address -> hosts.add(new NamedHost(address.host(), List.of("smtp", "host"))));
                yield hosts;
            }
        };
    }

    record NamedHost(String host, List<String> path) {}

    private static String bare(String host) {
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    /** RFC 7396 section 2. */
    private static JsonNode merged(JsonNode target, JsonNode patch) {
        if (!patch.isObject()) {
            return patch;
        }
        ObjectNode result = target != null && target.isObject()
                ? target.deepCopy()
                : EventCodec.mapper().createObjectNode();
        patch.fields().forEachRemaining(property -> {
            if (property.getValue().isNull()) {
                result.remove(property.getKey());
            } else {
                result.set(property.getKey(), merged(result.get(property.getKey()), property.getValue()));
            }
        });
        return result;
    }

    /** Collects everything that is wrong, so that a caller need not find out one by one. */
    private static final class Reader {
        private final JsonNode json;
        private final boolean credentialNeeded;
        private final List<Violation> violations = new ArrayList<>();

        Reader(JsonNode json, boolean credentialNeeded) {
            this.json = json;
            this.credentialNeeded = credentialNeeded;
        }

        AccountRequest read() {
            onlyKnown(json, PROPERTIES);
            String email = text("email", true, TEXT_LENGTH_MAX).orElse("");
            if (!email.isEmpty() && (email.indexOf('@') < 1 || email.endsWith("@"))) {
                violations.add(Violation.at("email must be an address such as alice@example.com", "email"));
            }
            String username = text("username", false, TEXT_LENGTH_MAX).orElse(email);
            Optional<Credential> credential = credential();
            AccountRecord.Status status = text("status", false, TEXT_LENGTH_MAX)
                    .map(name -> oneOf(name, AccountRecord.Status::of, "status must be active or paused", "status"))
                    .orElse(AccountRecord.Status.ACTIVE);
            Optional<AccountSettings> settings = settings(username);
            if (!violations.isEmpty()) {
                throw Problem.invalid(violations);
            }
            return new AccountRequest(email, settings.orElseThrow(), credential, status);
        }

        private Optional<Credential> credential() {
            boolean both = json.has("password") && json.has("accessToken");
            if (both || credentialNeeded && !json.has("password") && !json.has("accessToken")) {
                violations.add(Violation.at("either password or accessToken must be given", "password"));
                return Optional.empty();
            }
            return text("password", false, SECRET_LENGTH_MAX)
                    .<Credential>map(password -> new Credential.Password(new Secret(password)))
                    .or(() -> text("accessToken", false, SECRET_LENGTH_MAX)
                            .map(token -> new Credential.AccessToken(new Secret(token))));
        }

        private Optional<AccountSettings> settings(String username) {
            return switch (json.path("protocol").asText("")) {
                case "imap" -> {
                    foreign("jmap", "imap");
                    Optional<ServerAddress> imap = address("imap", true);
                    Optional<ServerAddress> smtp = address("smtp", false);
                    yield imap.map(address -> new AccountSettings.Imap(username, address, smtp));
                }
                case "jmap" -> {
                    foreign("imap", "jmap");
                    Optional<ServerAddress> smtp = address("smtp", false);
                    Optional<String> accountId = jmapAccountId();
                    List<String> trustedHosts = trustedHosts();
                    yield sessionUrl()
                            .map(url -> new AccountSettings.Jmap(username, url, accountId, trustedHosts, smtp));
                }
                default -> {
                    violations.add(Violation.at("protocol must be imap or jmap", "protocol"));
                    yield Optional.empty();
                }
            };
        }

        private void foreign(String property, String protocol) {
            if (json.has(property)) {
                violations.add(Violation.at("an account with protocol " + protocol + " has no " + property, property));
            }
        }

        private Optional<ServerAddress> address(String name, boolean needed) {
            JsonNode node = json.path(name);
            if (node.isMissingNode()) {
                if (needed) {
                    violations.add(Violation.at(name + " must say host, port and tls", name));
                }
                return Optional.empty();
            }
            if (!node.isObject()) {
                violations.add(Violation.at(name + " must be an object with host, port and tls", name));
                return Optional.empty();
            }
            int before = violations.size();
            onlyKnown(node, ADDRESS_PROPERTIES, name);
            String host = node.path("host").asText("");
            if (!node.path("host").isTextual() || !HOST.matcher(host).matches()) {
                violations.add(Violation.at("host must be a host name or an IP address", name, "host"));
            }
            JsonNode port = node.path("port");
            if (!port.isInt() || port.intValue() < 1 || port.intValue() > 65535) {
                violations.add(Violation.at("port must be a number between 1 and 65535", name, "port"));
            }
            TlsMode tls =
                    oneOf(node.path("tls").asText(""), TlsMode::of, "tls must be tls, starttls or none", name, "tls");
            return violations.size() > before
                    ? Optional.empty()
                    : Optional.of(new ServerAddress(host, port.intValue(), tls));
        }

        private Optional<URI> sessionUrl() {
            JsonNode node = json.path("jmap");
            if (node.isObject()) {
                onlyKnown(node, Set.of("sessionUrl", "accountId", "trustedHosts"), "jmap");
            }
            try {
                URI url = new URI(node.path("sessionUrl").asText(""));
                boolean http = "https".equalsIgnoreCase(url.getScheme()) || "http".equalsIgnoreCase(url.getScheme());
                if (http && url.getHost() != null && url.getUserInfo() == null) {
                    return Optional.of(url);
                }
            } catch (URISyntaxException e) {
                // Said below, like every other way of not being a URL that can be used.
            }
            violations.add(
                    Violation.at("sessionUrl must be an http or https URL without a user name", "jmap", "sessionUrl"));
            return Optional.empty();
        }

        private Optional<String> jmapAccountId() {
            JsonNode id = json.path("jmap").path("accountId");
            if (id.isMissingNode()) {
                return Optional.empty();
            }
            if (!id.isTextual() || !JMAP_ID.matcher(id.textValue()).matches()) {
                violations.add(Violation.at(
                        "accountId must be 1 to 255 letters, digits, hyphens and underscores (RFC 8620 section 1.2)",
                        "jmap",
                        "accountId"));
                return Optional.empty();
            }
            return Optional.of(id.textValue());
        }

        private List<String> trustedHosts() {
            JsonNode hosts = json.path("jmap").path("trustedHosts");
            List<String> names = new ArrayList<>();
            boolean valid = hosts.isMissingNode() || hosts.isArray() && hosts.size() <= TRUSTED_HOSTS_MAX;
            for (JsonNode host : hosts) {
                valid &= host.isTextual() && HOST.matcher(host.textValue()).matches();
                names.add(host.asText());
            }
            if (!valid) {
                violations.add(Violation.at(
                        "trustedHosts must be at most " + TRUSTED_HOSTS_MAX + " host names or IP addresses",
                        "jmap",
                        "trustedHosts"));
            }
            return names;
        }

        private Optional<String> text(String name, boolean needed, int lengthMax) {
            JsonNode node = json.path(name);
            if (node.isMissingNode() && !needed) {
                return Optional.empty();
            }
            String value = node.asText("");
            boolean valid = node.isTextual()
                    && !value.isBlank()
                    && value.length() <= lengthMax
                    && value.chars().noneMatch(Character::isISOControl);
            if (!valid) {
                violations.add(Violation.at(
                        name + " must be a text of 1 to " + lengthMax + " characters without control characters",
                        name));
                return Optional.empty();
            }
            return Optional.of(value);
        }

        private <T> T oneOf(String value, java.util.function.Function<String, T> parse, String detail, String... path) {
            try {
                return parse.apply(value);
            } catch (IllegalArgumentException e) {
                violations.add(Violation.at(detail, path));
                return null;
            }
        }

        private void onlyKnown(JsonNode node, Set<String> known, String... path) {
            node.fieldNames().forEachRemaining(name -> {
                if (!known.contains(name)) {
                    List<String> names = new ArrayList<>(List.of(path));
                    names.add(name);
                    violations.add(Violation.at("no such property: " + name, names.toArray(String[]::new)));
                }
            });
        }
    }
}
