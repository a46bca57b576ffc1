package org.postbus.fetcher.loop;

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.postbus.fetcher.Fetcher;

/** Down when a loop ended by a bug: its account would be looked at by nobody until this process starts again. */
@Liveness
@ApplicationScoped
class LoopsHealth implements HealthCheck {
    private final Fetcher fetcher;

    LoopsHealth(Fetcher fetcher) {
        this.fetcher = fetcher;
    }

    @Override
    public HealthCheckResponse call() {
        int died = fetcher.loops().died();
        return HealthCheckResponse.named("account loops")
                .status(died == 0)
                .withData("died", died)
                .build();
    }
}
