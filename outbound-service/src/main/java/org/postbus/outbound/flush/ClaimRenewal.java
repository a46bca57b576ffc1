package org.postbus.outbound.flush;

import io.vertx.core.Vertx;
import java.time.Duration;
import org.jboss.logging.Logger;
import org.postbus.kit.InfrastructureFailureException;

/** Renews a claim in the background until closed, so that a long flush keeps it. If renewals fail for too long, the claim expires. */
final class ClaimRenewal implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(ClaimRenewal.class);

    private final Vertx vertx;
    private final long timer;

    /** @param renew one renewal; blocks */
    ClaimRenewal(Vertx vertx, Duration claimTime, String claim, Runnable renew) {
        this.vertx = vertx;
        this.timer = vertx.setPeriodic(
                claimTime.dividedBy(3).toMillis(),
                tick -> Thread.ofVirtual().name("claim-renewal").start(() -> {
                    try {
                        renew.run();
                    } catch (InfrastructureFailureException e) {
                        LOG.warnf("%s was not renewed: %s", claim, e.getMessage());
                    }
                }));
    }

    @Override
    public void close() {
        vertx.cancelTimer(timer);
    }
}
