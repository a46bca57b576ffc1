package org.postbus.fetcher.source;

import java.time.Duration;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jboss.logging.Logger;

/**
 * Runs a loop that is meant to end only by an interrupt or by itself. If it dies by an exception or an error, which is a bug or a lack of memory, it
 * begins anew after a pause that grows with each death in a row ({@link Backoff}).
 */
public final class Restarts implements Runnable {
    /** A loop that has lasted this long is no longer counted as one that dies at once. */
    private static final Duration LASTED = Duration.ofMinutes(10);

    private static final Logger LOG = Logger.getLogger(Restarts.class);

    private final String name;
    private final Runnable loop;
    private final Runnable died;
    private final RandomGenerator random;

    /**
     * @param name for the log
     * @param loop returns when it was interrupted or has nothing more to do
     * @param died is called at each death
     */
    public Restarts(String name, Runnable loop, Runnable died, RandomGenerator random) {
        this.name = name;
        this.loop = loop;
        this.died = died;
        this.random = random;
    }

    @Override
    public void run() {
        int deaths = 0;
        while (true) {
            long began = System.nanoTime();
            try {
                loop.run();
                return;
            } catch (RuntimeException | Error bug) {
                boolean lasted = System.nanoTime() - began > LASTED.toNanos();
                deaths = lasted ? 1 : deaths + 1;
                died.run();
                LOG.errorf(bug, "%s died and is started again", name);
            }
            try {
                Thread.sleep(Backoff.delay(deaths, Optional.empty(), random.nextDouble()));
            } catch (InterruptedException stopped) {
                return;
            }
        }
    }
}
