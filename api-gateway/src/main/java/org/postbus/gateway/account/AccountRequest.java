package org.postbus.gateway.account;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.egress.NamedHost;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.topic.AccountRecord;

/**
 * The settings of a new account, or of an account after a change; valid in form. Its hosts are not checked yet.
 *
 * @param allowDuplicate whether another account of the tenant may sync the same mailbox
 */
record AccountRequest(
        String email,
        AccountSettings settings,
        Optional<Credential> credential,
        AccountRecord.Status status,
        boolean allowDuplicate) {
    AccountRequest {
        Objects.requireNonNull(email);
        Objects.requireNonNull(settings);
        Objects.requireNonNull(credential);
        Objects.requireNonNull(status);
    }

    /** @throws org.postbus.gateway.problem.ProblemException 422 with every violation */
    static AccountRequest create(JsonNode json) {
        return AccountRequestReader.read(json, true);
    }

    /**
     * The account after a JSON merge patch (RFC 7396). Address and protocol can not be changed: the mail of another mailbox is another
     * account.
     *
     * @throws org.postbus.gateway.problem.ProblemException 422 with every violation
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
                fixed.add(Violation.at(name + " can not be changed; add another account", name));
            }
        }
        JsonNode jmap = patch.path("jmap");
        String accountId = current.path("jmap").path("accountId").asText("");
        if (jmap.has("accountId") && !jmap.get("accountId").asText("").equals(accountId)) {
            fixed.add(Violation.at("accountId can not be changed; add another account", "jmap", "accountId"));
        }
        if (!fixed.isEmpty()) {
            throw Problem.invalid(fixed);
        }
        return AccountRequestReader.read(merged(current, patch), false);
    }

    /** Every server that Postbus would connect to for the account. */
    List<NamedHost> hosts() {
        return switch (settings) {
            case AccountSettings.Imap(var username, var imap, var smtp) -> {
                List<NamedHost> hosts = new ArrayList<>();
                hosts.add(NamedHost.of(imap, "imap"));
                smtp.ifPresent(address -> hosts.add(NamedHost.of(address, "smtp")));
                yield hosts;
            }
            case AccountSettings.Jmap(var username, var sessionUrl, var accountId, var trustedHosts, var smtp) -> {
                boolean plain = "http".equalsIgnoreCase(sessionUrl.getScheme());
                int port = sessionUrl.getPort() > 0 ? sessionUrl.getPort() : plain ? 80 : 443;
                List<NamedHost> hosts = new ArrayList<>();
                hosts.add(new NamedHost(
                        sessionUrl.getHost(), port, plain, new NamedHost.At.Text(List.of("jmap", "sessionUrl"))));
                trustedHosts.forEach(host -> hosts.add(
                        new NamedHost(host, port, plain, new NamedHost.At.Text(List.of("jmap", "trustedHosts")))));
                smtp.ifPresent(address -> hosts.add(NamedHost.of(address, "smtp")));
                yield hosts;
            }
        };
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
}
