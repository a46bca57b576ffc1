package org.postbus.gateway.rest;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/** Headers of every answer: no cache keeps it, and no browser guesses its type. */
@ApplicationScoped
class AnswerHeaders {
    private static final int PRIORITY = 1_001;
    private static final CharSequence CONTENT_TYPE_OPTIONS = HttpHeaders.createOptimized("X-Content-Type-Options");
    private static final CharSequence NO_SNIFF = HttpHeaders.createOptimized("nosniff");
    private static final CharSequence NO_STORE = HttpHeaders.createOptimized("no-store");

    void register(@Observes Filters filters) {
        filters.register(AnswerHeaders::add, PRIORITY);
    }

    private static void add(RoutingContext routing) {
        routing.addHeadersEndHandler(sending -> {
            MultiMap headers = routing.response().headers();
            headers.set(HttpHeaders.CACHE_CONTROL, NO_STORE);
            headers.set(CONTENT_TYPE_OPTIONS, NO_SNIFF);
        });
        routing.next();
    }
}
