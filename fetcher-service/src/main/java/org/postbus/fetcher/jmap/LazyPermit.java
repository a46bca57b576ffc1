package org.postbus.fetcher.jmap;

import java.util.concurrent.Semaphore;

/** A permit that is acquired once it is needed and released on close. For one thread. */
final class LazyPermit implements AutoCloseable {
    private final Semaphore permits;
    private boolean acquired;

    LazyPermit(Semaphore permits) {
        this.permits = permits;
    }

    /** Waits for a permit if it is needed and none was acquired before. */
    void acquireIf(boolean needed) throws InterruptedException {
        if (needed && !acquired) {
            permits.acquire();
            acquired = true;
        }
    }

    @Override
    public void close() {
        if (acquired) {
            permits.release();
        }
    }
}
