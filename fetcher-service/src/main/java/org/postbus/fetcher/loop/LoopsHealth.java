package org.postbus.fetcher.loop;

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/** Down when a loop ended by a bug: its account would not be synced until this process is restarted. */
@Liveness
@ApplicationScoped
class LoopsHealth implements HealthCheck {
    private final AccountLoops loops;

    LoopsHealth(AccountLoops loops) {
        this.loops = loops;
    }

    @Override
    public HealthCheckResponse call() {
        int died = loops.died();
        return HealthCheckResponse.named("account loops")
                .status(died == 0)
                .withData("died", died)
                .build();
    }
}
