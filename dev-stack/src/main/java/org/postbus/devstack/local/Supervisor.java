package org.postbus.devstack.local;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.postbus.devstack.process.ChildProcess;

/**
 * Starts child processes again that end by themselves, each on its own: the others go on. Pauses grow from 1 s to 60 s and begin anew after a child has
 * run for 5 minutes. It does not give up, as what makes a child fail may pass.
 */
final class Supervisor implements AutoCloseable {
    static final Pauses PAUSES = new Pauses(Duration.ofSeconds(1), Duration.ofSeconds(60), Duration.ofMinutes(5));

    private final Pauses pauses;
    private final Consumer<String> progress;
    private final List<Thread> threads = new ArrayList<>();
    private boolean isClosed;

    Supervisor(Pauses pauses, Consumer<String> progress) {
        this.pauses = pauses;
        this.progress = progress;
    }

    /**
     * @param process the current one
     * @param restart returns when the child can be used again
     */
    record Child(String name, Supplier<ChildProcess> process, Runnable restart) {}

    /**
     * Pauses before a start.
     *
     * @param stable a child that has run for so long counts as one that did not fail
     */
    record Pauses(Duration first, Duration max, Duration stable) {
        /**
         * Pure.
         *
         * @param last zero before the first
         * @param ran since its last start
         */
        Duration after(Duration last, Duration ran) {
            if (last.isZero() || ran.compareTo(stable) >= 0) {
                return first;
            }
            Duration doubled = last.multipliedBy(2);
            return doubled.compareTo(max) < 0 ? doubled : max;
        }
    }

    synchronized void watch(Child child) {
        if (!isClosed) {
            threads.add(Thread.ofVirtual().name("supervise-" + child.name()).start(() -> watchAlways(child)));
        }
    }

    /** A child that ends from now on stays ended. Does not wait. */
    @Override
    public synchronized void close() {
        isClosed = true;
        threads.forEach(Thread::interrupt);
    }

    private void watchAlways(Child child) {
        Duration pause = Duration.ZERO;
        try {
            while (true) {
                long begin = System.nanoTime();
                Process ended = child.process().get().onExit().get();
                if (hasClosed()) {
                    return;
                }
                pause = pauses.after(pause, since(begin));
                progress.accept("  %s ended with exit code %d (log: %s); it is started again in %d s, the others go on"
                        .formatted(
                                child.name(),
                                ended.exitValue(),
                                child.process().get().log(),
                                Math.max(1, pause.toSeconds())));
                Thread.sleep(pause);
                startAgain(child);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /** If it fails, the child has ended again. */
    private void startAgain(Child child) {
        long begin = System.nanoTime();
        try {
            child.restart().run();
            progress.accept("  %s runs again after %.1f s"
                    .formatted(child.name(), since(begin).toMillis() / 1000.0));
        } catch (RuntimeException e) {
            if (!hasClosed()) {
                progress.accept("  " + child.name() + " did not start: " + e.getMessage());
            }
        }
    }

    private synchronized boolean hasClosed() {
        return isClosed;
    }

    private static Duration since(long begin) {
        return Duration.ofNanos(System.nanoTime() - begin);
    }
}
