package org.postbus.gateway.probe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.dns.DnsClient;
import io.vertx.core.dns.DnsClientOptions;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.jmap.http.JmapDiscovery;
import org.postbus.mail.jmap.http.JmapOptions;

/** Finds the servers of an email address. It only asks hosts that an account may name. */
@ApplicationScoped
public class Discovery {
    private static final Duration TIME_MAX = Duration.ofSeconds(15);
    private static final Duration NAME_SERVICE_MAX = Duration.ofSeconds(3);
    private static final Duration SERVER_MAX = Duration.ofSeconds(5);
    private static final int SESSION_BYTES_MAX = 1 << 20;

    private final JmapDiscovery jmap;

    Discovery(EgressConnector egress) {
        DnsClient dns =
                egress.vertx().createDnsClient(new DnsClientOptions().setQueryTimeout(NAME_SERVICE_MAX.toMillis()));
        this.jmap = new JmapDiscovery(
                egress,
                dns,
                new JmapOptions(SERVER_MAX, SERVER_MAX, SESSION_BYTES_MAX, JmapOptions.DEFAULTS.redirectsMax()));
    }

    /** @param jmap empty if none was found */
    public record Servers(Optional<Jmap> jmap) {
        public Servers {
            Objects.requireNonNull(jmap);
        }
    }

    /** @param ofTheDomain if false, only the user can decide whether this server may get the password */
    public record Jmap(URI sessionUrl, boolean ofTheDomain) {}

    /** @throws org.postbus.gateway.problem.ProblemException 422 if {@code email} is no address */
    public Uni<Servers> servers(String email) {
        int at = email == null ? -1 : email.lastIndexOf('@');
        if (at < 1 || at == email.length() - 1) {
            throw Problem.invalid(List.of(Violation.at("email must be an address such as alice@example.com", "email")));
        }
        // The request continues on its own context.
        Context context = Vertx.currentContext();
        return jmap.find(email.substring(at + 1))
                .ifNoItem()
                .after(TIME_MAX)
                .recoverWithItem(Optional.empty())
                .map(found -> new Servers(found.map(one -> new Jmap(one.sessionUrl(), one.ofTheDomain()))))
                .emitOn(rest -> context.runOnContext(ignored -> rest.run()));
    }

    /**
     * Adds the JMAP server to the request for an account if it names none. If DNS alone says that the server belongs to the domain, the
     * password is not sent to it: the 422 problem names the server, and the user decides.
     */
    public Uni<JsonNode> complete(JsonNode request) {
        boolean needed = request.path("protocol").asText("").equals("jmap") && !request.has("jmap");
        String email = request.path("email").asText("");
        if (!needed || email.indexOf('@') < 1) {
            return Uni.createFrom().item(request);
        }
        return servers(email).map(servers -> {
            Jmap found = servers.jmap()
                    .orElseThrow(() -> Problem.invalid(List.of(Violation.at(
                            "no JMAP server was found for this address; name its session URL", "jmap", "sessionUrl"))));
            if (!found.ofTheDomain()) {
                throw Problem.invalid(List.of(Violation.at(
                        "the server may be " + found.sessionUrl()
                                + ", which is outside of the address's domain; if you trust it, name it here",
                        "jmap",
                        "sessionUrl")));
            }
            ObjectNode complete = request.deepCopy();
            complete.putObject("jmap").put("sessionUrl", found.sessionUrl().toString());
            return complete;
        });
    }
}
