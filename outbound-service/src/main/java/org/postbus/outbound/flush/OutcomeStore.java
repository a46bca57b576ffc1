package org.postbus.outbound.flush;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.postbus.kit.InfrastructureFailureException;

/**
 * Stores outcomes, and repeats it for as long as the database is unavailable: what a server did must not be forgotten. If the service is
 * stopped meanwhile, the claim expires, and another process treats the items as after a crash.
 */
final class OutcomeStore {
    private static final Logger LOG = Logger.getLogger(OutcomeStore.class);
    private static final Duration WAIT = Duration.ofSeconds(1);

    private final CountDownLatch stopping = new CountDownLatch(1);

    /**
     * @param what names the outcomes in the log: "outcomes of account ..."
     * @throws InfrastructureFailureException if the service is stopped before it succeeded
     */
    <T> T untilStored(String what, Supplier<T> store) {
        for (; ; ) {
            try {
                return store.get();
            } catch (InfrastructureFailureException e) {
                LOG.warnf("%s cannot be stored yet, trying again: %s", what, e.getMessage());
                if (stopped()) {
                    throw e;
                }
            }
        }
    }

    /** Ends all waits. */
    void stop() {
        stopping.countDown();
    }

    private boolean stopped() {
        try {
            return stopping.await(WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }
}
