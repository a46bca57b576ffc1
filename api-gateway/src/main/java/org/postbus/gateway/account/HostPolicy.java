package org.postbus.gateway.account;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.postbus.gateway.GatewayConfig.PrivateHosts;
import org.postbus.gateway.GatewayConfig;
import org.postbus.gateway.Problem.Violation;
import org.postbus.gateway.Problem;

/**
 * Refuses servers that are not on the public Internet, unless the operator allows them. Every address of a name must be
 * public. A name that does not resolve gets the same answer, so nobody learns which internal names there are.
 */
@ApplicationScoped
public class HostPolicy {
    private static final Duration RESOLVE_MAX = Duration.ofSeconds(5);

    private final PrivateHosts privateHosts;

    HostPolicy(GatewayConfig config) {
        this.privateHosts = config.privateHosts();
    }

    /** Fails with a 422 problem that names the hosts. */
    Uni<Void> check(AccountRequest request) {
        if (privateHosts == PrivateHosts.ALLOWED) {
            return Uni.createFrom().voidItem();
        }
        // The name service blocks, so it is asked elsewhere; what follows must be on the request's own context again.
        Context context = Vertx.currentContext();
        return Uni.createFrom()
                .<List<Violation>>emitter(emitter -> Thread.startVirtualThread(() -> {
                    try {
                        emitter.complete(violations(request));
                    } catch (RuntimeException e) {
                        emitter.fail(e);
                    }
                }))
                .ifNoItem()
                .after(RESOLVE_MAX)
                .failWith(() -> Problem.unavailable("the name service does not answer"))
                .invoke(violations -> {
                    if (!violations.isEmpty()) {
                        throw Problem.invalid(violations);
                    }
                })
                .replaceWithVoid()
                .emitOn(rest -> context.runOnContext(ignored -> rest.run()));
    }

    /** Asks the name service, so never on an event loop. */
    public boolean allows(String host) {
        return privateHosts == PrivateHosts.ALLOWED || isPublic(host);
    }

    private static List<Violation> violations(AccountRequest request) {
        return request.hosts().stream()
                .filter(named -> !isPublic(named.host()))
                .map(named -> Violation.at(
                        "the host is not known on the public Internet",
                        named.path().toArray(String[]::new)))
                .toList();
    }

    private static boolean isPublic(String host) {
        try {
            return Arrays.stream(InetAddress.getAllByName(host)).allMatch(PublicAddress::isPublic);
        } catch (UnknownHostException e) {
            return false;
        }
    }
}
