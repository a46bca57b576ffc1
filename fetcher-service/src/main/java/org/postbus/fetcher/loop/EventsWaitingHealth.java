package org.postbus.fetcher.loop;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.Optional;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/** Down while events wait for the database or Kafka. No restart helps, so this is no liveness check. */
@Readiness
@ApplicationScoped
class EventsWaitingHealth implements HealthCheck {
    private final EventsWaiting waiting;

    EventsWaitingHealth(EventsWaiting waiting) {
        this.waiting = waiting;
    }

    @Override
    public HealthCheckResponse call() {
        Optional<String> reason = waiting.reason();
        HealthCheckResponseBuilder response =
                HealthCheckResponse.named("events wait").status(reason.isEmpty());
        reason.ifPresent(text -> response.withData("for", text));
        return response.build();
    }
}
