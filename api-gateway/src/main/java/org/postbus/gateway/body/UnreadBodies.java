package org.postbus.gateway.body;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;

/**
 * What a client still sends when its request was answered: on a route that takes no body, or after a refusal. So much is dropped that an
 * ordinary client comes to read the answer; then the connection is closed.
 */
@ApplicationScoped
class UnreadBodies {
    private static final int PRIORITY = 1_000;
    private static final long OCTETS_MAX = 32L << 20;
    private static final Duration TIME_MAX = Duration.ofSeconds(5);

    void register(@Observes Filters filters) {
        filters.register(UnreadBodies::watch, PRIORITY);
    }

    private static void watch(RoutingContext routing) {
        if (RequestBodies.hasBody(routing.request())) {
            routing.addEndHandler(answered -> drop(routing));
        }
        routing.next();
    }

    private static void drop(RoutingContext routing) {
        HttpServerRequest request = routing.request();
        if (request.isEnded()) {
            return;
        }
        long timer = routing.vertx()
                .setTimer(TIME_MAX.toMillis(), late -> request.connection().close());
        long[] left = {OCTETS_MAX};
        request.exceptionHandler(lost -> routing.vertx().cancelTimer(timer));
        request.endHandler(end -> routing.vertx().cancelTimer(timer));
        request.handler(octets -> {
            left[0] -= octets.length();
            if (left[0] < 0) {
                request.connection().close();
            }
        });
        request.resume();
    }
}
