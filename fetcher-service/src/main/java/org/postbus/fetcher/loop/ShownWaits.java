package org.postbus.fetcher.loop;

import java.time.Clock;
import org.jboss.logging.Logger;
import org.postbus.fetcher.publish.KafkaWaits;
import org.postbus.fetcher.store.Claim;
import org.postbus.fetcher.store.ClaimStore;
import org.postbus.kit.InfrastructureFailureException;

/** Shows in the database, and so in the API, that what was observed under a claim waits for Kafka. */
record ShownWaits(Claim claim, ClaimStore claims, Clock clock) implements KafkaWaits {
    private static final Logger LOG = Logger.getLogger(ShownWaits.class);

    @Override
    public void begun() throws InterruptedException {
        LOG.warnf("account %s waits for Kafka", claim.accountId());
        try {
            claims.waitsForKafka(claim, clock.instant());
        } catch (InfrastructureFailureException e) {
            LOG.debugf("account %s: %s", claim.accountId(), e.getMessage());
        }
    }

    @Override
    public void ended() throws InterruptedException {
        try {
            claims.waitedForKafka(claim);
        } catch (InfrastructureFailureException e) {
            // The next claim removes it.
            LOG.debugf("account %s: %s", claim.accountId(), e.getMessage());
        }
    }
}
