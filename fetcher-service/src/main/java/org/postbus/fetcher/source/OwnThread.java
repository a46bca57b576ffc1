package org.postbus.fetcher.source;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Runs a step on a virtual thread of its own and waits for its end. A virtual thread keeps the memory of the deepest stack that it was ever
 * parked with, so threads that wait for hours, as the loop and the watcher of an idle account do, run deep calls on another thread.
 */
public final class OwnThread {
    private OwnThread() {}

    @FunctionalInterface
    public interface Step<T> {
        T run() throws InterruptedException;
    }

    /**
     * An interrupt is passed on to the step. If the step succeeds nevertheless, its result is returned, because it may have to be closed, and
     * the caller stays interrupted.
     */
    public static <T> T run(Step<T> step) throws InterruptedException {
        FutureTask<T> task = new FutureTask<>(step::run);
        Thread thread =
                Thread.ofVirtual().name(Thread.currentThread().getName()).start(task);
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException stopped) {
                interrupted = true;
                thread.interrupt();
            }
        }
        try {
            return task.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case InterruptedException stopped -> {
                    interrupted = false;
                    throw stopped;
                }
                case RuntimeException failure -> throw failure;
                case Error error -> throw error;
                default -> throw new IllegalStateException(e.getCause());
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
