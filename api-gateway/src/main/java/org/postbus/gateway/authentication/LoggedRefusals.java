package org.postbus.gateway.authentication;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.Objects;
import org.postbus.gateway.audit.Actor;

/** Refused requests cost their sender nothing: the audit log gets one entry for an actor, a route and a minute. */
final class LoggedRefusals {
    private static final int KEPT_MAX = 10_000;
    private static final Duration ENTRY_EVERY = Duration.ofMinutes(1);

    private final Cache<Refused, Boolean> logged = Caffeine.newBuilder()
            .expireAfterWrite(ENTRY_EVERY)
            .maximumSize(KEPT_MAX)
            .build();

    private record Refused(Actor actor, Routes.Route route) {
        Refused {
            Objects.requireNonNull(actor);
            Objects.requireNonNull(route);
        }
    }

    boolean isDue(Actor actor, Routes.Route route) {
        return logged.asMap().putIfAbsent(new Refused(actor, route), true) == null;
    }
}
