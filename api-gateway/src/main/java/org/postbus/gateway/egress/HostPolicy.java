package org.postbus.gateway.egress;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.postbus.gateway.config.GatewayConfig;
import org.postbus.gateway.config.GatewayConfig.PrivateHosts;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;

/**
 * Refuses hosts that are not on the public Internet, unless the operator allows private ones. Every address of a name must be
 * public. A name that does not resolve gets the same answer as a private one, so that a caller cannot learn which internal
 * names exist.
 */
@ApplicationScoped
public class HostPolicy {
    private static final Duration RESOLVE_MAX = Duration.ofSeconds(5);

    private final PrivateHosts privateHosts;

    HostPolicy(GatewayConfig config) {
        this.privateHosts = config.privateHosts();
    }

    /**
     * Must be called on a Vert.x context; completes on the same one.
     *
     * <p>Fails with a 422 problem that points at each refused host, with 503 if DNS does not answer within 5 seconds.
     */
    public Uni<Void> check(List<NamedHost> hosts) {
        if (privateHosts == PrivateHosts.ALLOWED) {
            return Uni.createFrom().voidItem();
        }
        // Resolving blocks, so it runs on a virtual thread; the request continues on its own context.
        Context context = Vertx.currentContext();
        return Uni.createFrom()
                .<List<Violation>>emitter(emitter -> Thread.startVirtualThread(() -> {
                    try {
                        emitter.complete(violations(hosts));
                    } catch (RuntimeException e) {
                        emitter.fail(e);
                    }
                }))
                .ifNoItem()
                .after(RESOLVE_MAX)
                .failWith(() -> Problem.unavailable("DNS does not answer; try again later"))
                .invoke(violations -> {
                    if (!violations.isEmpty()) {
                        throw Problem.invalid(violations);
                    }
                })
                .replaceWithVoid()
                .emitOn(rest -> context.runOnContext(ignored -> rest.run()));
    }

    /** Resolves the name and blocks meanwhile: never call it on an event loop. */
    public boolean allows(String host) {
        return privateHosts == PrivateHosts.ALLOWED || isPublic(host);
    }

    private static List<Violation> violations(List<NamedHost> hosts) {
        return hosts.stream()
                .filter(named -> !isPublic(named.host()))
                .map(named -> Violation.at(
                        "the host is not on the public Internet; name a public one, or ask the operator to allow private hosts",
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
