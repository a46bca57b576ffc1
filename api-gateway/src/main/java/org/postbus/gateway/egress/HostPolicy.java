package org.postbus.gateway.egress;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.vertx.UniHelper;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.mail.ServerException;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.egress.EgressRefusal;

/**
 * Says early, as a 422 problem, that no connection to a server would be opened. It protects nothing: the connector judges each connection when
 * it is opened. A name that does not resolve gets the same answer as a private one, so that a caller cannot learn which internal names exist.
 */
@ApplicationScoped
public class HostPolicy {
    private final EgressConnector egress;

    HostPolicy(EgressConnector egress) {
        this.egress = egress;
    }

    /**
     * Must be called on a Vert.x context; completes on the same one.
     *
     * <p>Fails with a 422 problem that points at each refused property, with 503 if the name servers do not answer.
     */
    public Uni<Void> check(List<NamedHost> hosts) {
        if (hosts.isEmpty()) {
            return Uni.createFrom().voidItem();
        }
        Context context = Vertx.currentContext();
        return Uni.join()
                .all(hosts.stream().map(this::violations).toList())
                .andFailFast()
                .onFailure(ServerException.class)
                .transform(unresolved -> Problem.unavailable("DNS does not answer; try again later"))
                .invoke(violations -> {
                    List<Violation> all =
                            violations.stream().flatMap(List::stream).toList();
                    if (!all.isEmpty()) {
                        throw Problem.invalid(all);
                    }
                })
                .replaceWithVoid()
                .emitOn(rest -> context.runOnContext(ignored -> rest.run()));
    }

    private Uni<List<Violation>> violations(NamedHost named) {
        return UniHelper.toUni(egress.check(named.host(), named.port(), named.plain()))
                .map(refusals -> violations(named.at(), refusals));
    }

    private static List<Violation> violations(NamedHost.At at, Set<EgressRefusal> refusals) {
        List<Violation> violations = new ArrayList<>();
        for (EgressRefusal refusal : refusals) {
            violations.add(Violation.at(
                    refusal.text(),
                    switch (at) {
                        case NamedHost.At.Text(var path) -> path.toArray(String[]::new);
                        case NamedHost.At.Address(var property) -> new String[] {property, property(refusal)};
                    }));
        }
        return violations;
    }

    private static String property(EgressRefusal refusal) {
        return switch (refusal) {
            case HOST, ADDRESS -> "host";
            case PORT -> "port";
            case PLAIN_TEXT, PLAIN_TEXT_TO_PUBLIC -> "tls";
        };
    }
}
