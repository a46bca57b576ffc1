package org.postbus.mail.egress;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.net.NetSocket;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Which of several addresses of a host to use, found out by connecting to them and closing the connection again; kept for two minutes. A pool of
 * connections is given one address, so it cannot try the others itself. Thread-safe.
 */
final class PreferredRoutes {
    private static final Duration KEPT = Duration.ofMinutes(2);
    private static final int KEPT_MAX = 10_000;

    private final VertxInternal vertx;
    private final EgressSockets probes;
    // Guarded by this.
    private final Map<String, Future<Route>> racing = new HashMap<>();
    private final Map<String, Kept> kept = new LinkedHashMap<>();

    private record Kept(Route route, long since) {}

    PreferredRoutes(VertxInternal vertx, EgressSockets probes) {
        this.vertx = vertx;
        this.probes = probes;
    }

    /** @param routes allowed now, at least two. The result is one of them. Completes on the caller's context */
    Future<Route> of(String server, List<Route> routes) {
        Promise<Route> chosen = vertx.getOrCreateContext().promise();
        Future<Route> race;
        synchronized (this) {
            Kept last = kept.get(server);
            if (last != null && System.nanoTime() - last.since() < KEPT.toNanos() && routes.contains(last.route())) {
                return Future.succeededFuture(last.route());
            }
            race = racing.get(server);
            if (race == null) {
                race = race(routes);
                racing.put(server, race);
                race.onComplete(done -> raced(server, done.result()));
            }
        }
        // Another caller's race may have had other addresses.
        race.map(route -> routes.contains(route) ? route : routes.getFirst()).onComplete(chosen);
        return chosen.future();
    }

    synchronized void forget(String server) {
        kept.remove(server);
    }

    private synchronized void raced(String server, Route won) {
        racing.remove(server);
        kept.remove(server);
        if (won != null) {
            kept.put(server, new Kept(won, System.nanoTime()));
        }
        if (kept.size() > KEPT_MAX) {
            kept.remove(kept.keySet().iterator().next());
        }
    }

    private Future<Route> race(List<Route> routes) {
        ContextInternal context = vertx.createEventLoopContext();
        Promise<NetSocket> connected = context.promise();
        AtomicReference<Route> won = new AtomicReference<>();
        context.runOnContext(go -> new ConnectRace(
                        context,
                        routes,
                        route -> probes.open(context, route, false).onSuccess(socket -> won.compareAndSet(null, route)),
                        connected)
                .start());
        return connected.future().map(socket -> {
            socket.close();
            return won.get();
        });
    }
}
