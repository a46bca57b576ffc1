package org.postbus.gateway.account;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.problem.Violations;
import org.postbus.topic.AccountRecord;

/** Reads an {@link AccountRequest} from JSON and collects all violations, so that a caller sees them at once. Pure. */
final class AccountRequestReader {
    private static final int TEXT_LENGTH_MAX = 320;
    private static final int SECRET_LENGTH_MAX = 4096;
    private static final int TRUSTED_HOSTS_MAX = 16;
    private static final int URL_LENGTH_MAX = 2_000;
    private static final int PORT_MAX = 65_535;
    private static final Set<String> PROPERTIES = Set.of(
            "protocol",
            "email",
            "username",
            "password",
            "accessToken",
            "imap",
            "smtp",
            "jmap",
            "status",
            "allowDuplicate");
    private static final Set<String> ADDRESS_PROPERTIES = Set.of("host", "port", "tls");
    private static final Pattern JMAP_ID = Pattern.compile("[A-Za-z0-9_-]{1,255}");
    private static final Pattern HOST = Pattern.compile("[\\p{Alnum}.:_-]{1,253}");

    private final JsonNode json;
    private final boolean credentialNeeded;
    private final Violations violations = new Violations();

    private AccountRequestReader(JsonNode json, boolean credentialNeeded) {
        this.json = json;
        this.credentialNeeded = credentialNeeded;
    }

    /**
     * @param credentialNeeded whether the request must have a password or an access token
     * @throws org.postbus.gateway.problem.ProblemException 422 with every violation
     */
    static AccountRequest read(JsonNode json, boolean credentialNeeded) {
        return new AccountRequestReader(json, credentialNeeded).read();
    }

    private AccountRequest read() {
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
        JsonNode allowDuplicate = json.path("allowDuplicate");
        if (!allowDuplicate.isMissingNode() && !allowDuplicate.isBoolean()) {
            violations.add(Violation.at("allowDuplicate must be true or false", "allowDuplicate"));
        }
        violations.throwIfAny();
        return new AccountRequest(email, settings.orElseThrow(), credential, status, allowDuplicate.asBoolean(false));
    }

    private Optional<Credential> credential() {
        boolean both = json.has("password") && json.has("accessToken");
        if (both || credentialNeeded && !json.has("password") && !json.has("accessToken")) {
            violations.add(Violation.at("give password or accessToken, and only one of them", "password"));
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
                yield sessionUrl().map(url -> new AccountSettings.Jmap(username, url, accountId, trustedHosts, smtp));
            }
            default -> {
                violations.add(Violation.at("protocol must be imap or jmap", "protocol"));
                yield Optional.empty();
            }
        };
    }

    private void foreign(String property, String protocol) {
        if (json.has(property)) {
            violations.add(
                    Violation.at("an account with protocol " + protocol + " has no property " + property, property));
        }
    }

    private Optional<ServerAddress> address(String name, boolean needed) {
        JsonNode node = json.path(name);
        if (node.isMissingNode()) {
            if (needed) {
                violations.add(Violation.at(name + " is required: an object with host, port and tls", name));
            }
            return Optional.empty();
        }
        if (!node.isObject()) {
            violations.add(Violation.at(name + " must be an object with host, port and tls", name));
            return Optional.empty();
        }
        int before = violations.count();
        onlyKnown(node, ADDRESS_PROPERTIES, name);
        String host = node.path("host").asText("");
        if (!node.path("host").isTextual() || !HOST.matcher(host).matches()) {
            violations.add(Violation.at("host must be a host name or an IP address", name, "host"));
        }
        JsonNode port = node.path("port");
        if (!port.isInt() || port.intValue() < 1 || port.intValue() > PORT_MAX) {
            violations.add(Violation.at("port must be a whole number between 1 and " + PORT_MAX, name, "port"));
        }
        TlsMode tls = oneOf(node.path("tls").asText(""), TlsMode::of, "tls must be tls, starttls or none", name, "tls");
        return violations.count() > before
                ? Optional.empty()
                : Optional.of(new ServerAddress(host, port.intValue(), tls));
    }

    private Optional<URI> sessionUrl() {
        JsonNode node = json.path("jmap");
        if (node.isObject()) {
            onlyKnown(node, Set.of("sessionUrl", "accountId", "trustedHosts"), "jmap");
        }
        String text = node.path("sessionUrl").asText("");
        try {
            URI url = new URI(text.length() > URL_LENGTH_MAX ? "" : text);
            boolean http = "https".equalsIgnoreCase(url.getScheme()) || "http".equalsIgnoreCase(url.getScheme());
            boolean port = url.getPort() == -1 || url.getPort() >= 1 && url.getPort() <= PORT_MAX;
            if (http && port && url.getHost() != null && url.getUserInfo() == null) {
                return Optional.of(url);
            }
        } catch (URISyntaxException e) {
            // Reported below, like every other URL that can not be used.
        }
        violations.add(Violation.at(
                "sessionUrl must be an http or https URL of at most " + URL_LENGTH_MAX
                        + " characters without a user name, its port between 1 and " + PORT_MAX,
                "jmap",
                "sessionUrl"));
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
        for (JsonNode host : valid ? hosts : MissingNode.getInstance()) {
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
                    name + " must be a string of 1 to " + lengthMax + " characters without control characters", name));
            return Optional.empty();
        }
        return Optional.of(value);
    }

    private <T> T oneOf(String value, Function<String, T> parse, String detail, String... path) {
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
                violations.add(Violation.at("unknown property " + name, names.toArray(String[]::new)));
            }
        });
    }
}
