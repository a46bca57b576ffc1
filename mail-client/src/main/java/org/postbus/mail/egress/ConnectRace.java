package org.postbus.mail.egress;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.net.NetSocket;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/**
 * Connects to one of several addresses (RFC 8305 section 5): the next one is tried after 250 ms, or at once when an attempt fails. The first connection
 * wins, the others are closed. Only the context's event loop touches it.
 */
final class ConnectRace {
    static final Duration STAGGER = Duration.ofMillis(250);

    private final ContextInternal context;
    private final List<Route> routes;
    private final Function<Route, Future<NetSocket>> open;
    private final Promise<NetSocket> winner;
    private int started;
    private int pending;
    private boolean over;
    private Throwable failure;

    /** @param routes at least one */
    ConnectRace(
            ContextInternal context,
            List<Route> routes,
            Function<Route, Future<NetSocket>> open,
            Promise<NetSocket> winner) {
        this.context = context;
        this.routes = routes;
        this.open = open;
        this.winner = winner;
    }

    void start() {
        int attempt = started++;
        pending++;
        open.apply(routes.get(attempt)).onSuccess(this::connected).onFailure(this::failed);
        if (started < routes.size()) {
            context.setTimer(STAGGER.toMillis(), late -> {
                if (!over && started == attempt + 1) {
                    start();
                }
            });
        }
    }

    private void connected(NetSocket socket) {
        if (over) {
            socket.close();
            return;
        }
        over = true;
        winner.complete(socket);
    }

    private void failed(Throwable cause) {
        pending--;
        // A server that was reached says more than one that was not.
        if (failure == null || failure instanceof SocketException) {
            failure = cause;
        }
        if (over) {
            return;
        }
        if (started < routes.size()) {
            start();
        } else if (pending == 0) {
            over = true;
            winner.fail(failure);
        }
    }
}
