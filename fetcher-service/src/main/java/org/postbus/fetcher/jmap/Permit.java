package org.postbus.fetcher.jmap;

import java.util.concurrent.Semaphore;

/** One of few places, which is taken once it is needed and given back at the end. One thread's. */
final class Permit implements AutoCloseable {
    private final Semaphore places;
    private boolean taken;

    Permit(Semaphore places) {
        this.places = places;
    }

    /** Waits for it, if it is needed and has not been taken before. */
    void takeIf(boolean needed) throws InterruptedException {
        if (needed && !taken) {
            places.acquire();
            taken = true;
        }
    }

    @Override
    public void close() {
        if (taken) {
            places.release();
        }
    }
}
