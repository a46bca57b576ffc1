package org.postbus.kit.concurrent;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jboss.logging.Logger;
import org.postbus.kit.InfrastructureFailureException;

/**
 * Runs one piece of work again and again on a virtual thread, with a pause between the end of a run and the next. {@link #runNow} ends the
 * pause. A run that fails is logged, and the next takes place all the same: an infrastructure failure is one line of warning, anything else
 * an error with its stack.
 *
 * <p>Pauses are drawn from 90 to 110 % of their length, so that processes that started together do not run together for ever.
 */
public final class PeriodicJob implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(PeriodicJob.class);
    private static final double JITTER = 0.1;
    /** How long {@link #close} waits for a run under way before it interrupts it. */
    private static final Duration STOP_WAIT = Duration.ofSeconds(2);

    /** What is repeated. An interrupt means that the process stops. */
    @FunctionalInterface
    public interface Work {
        void run() throws Exception;
    }

    private final String name;
    private final Duration pause;
    private final Work work;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private Thread thread;
    private boolean due;
    private volatile boolean stopped;

    /**
     * @param name of the thread, and in the log
     * @param pause between the end of a run and the next
     */
    public PeriodicJob(String name, Duration pause, Work work) {
        this.name = name;
        this.pause = pause;
        this.work = work;
    }

    /** The first run is at once. */
    public void start() {
        due = true;
        startAfterPause();
    }

    /** The first run is after a pause. */
    public void startAfterPause() {
        lock.lock();
        try {
            if (thread != null) {
                throw new IllegalStateException(name + " has been started");
            }
            thread = Thread.ofVirtual().name(name).start(this::loop);
        } finally {
            lock.unlock();
        }
    }

    /** Makes the next run begin at once. Calls during a run cause one more run after it, however many they are. Returns at once. */
    public void runNow() {
        lock.lock();
        try {
            due = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether {@link #close} was called: work that takes long ends early then. */
    public boolean isStopped() {
        return stopped;
    }

    private void loop() {
        while (awaitNext()) {
            try {
                work.run();
            } catch (InterruptedException e) {
                // The loop ends if close() was the cause; nothing else interrupts this thread.
                LOG.debugf("%s was interrupted", name);
            } catch (InfrastructureFailureException e) {
                if (!stopped) {
                    LOG.warnf("%s failed and is tried again: %s", name, e.getMessage());
                }
            } catch (Exception | Error e) {
                LOG.errorf(e, "%s failed and is tried again", name);
            }
        }
    }

    private boolean awaitNext() {
        long left = pauseNanos();
        lock.lock();
        try {
            while (!stopped && !due && left > 0) {
                left = changed.awaitNanos(left);
            }
            due = false;
            return !stopped;
        } catch (InterruptedException e) {
            return !stopped;
        } finally {
            lock.unlock();
        }
    }

    private long pauseNanos() {
        return (long) (pause.toNanos()
                * (1 - JITTER + 2 * JITTER * ThreadLocalRandom.current().nextDouble()));
    }

    /** No run begins any more. A run under way may end within 2 seconds and is interrupted then. */
    @Override
    public void close() {
        Thread running;
        lock.lock();
        try {
            stopped = true;
            changed.signalAll();
            running = thread;
        } finally {
            lock.unlock();
        }
        try {
            if (running != null && running != Thread.currentThread() && !running.join(STOP_WAIT)) {
                running.interrupt();
            }
        } catch (InterruptedException e) {
            running.interrupt();
            Thread.currentThread().interrupt();
        }
    }
}
