package org.postbus.kit.concurrent;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jboss.logging.Logger;
import org.postbus.kit.InfrastructureFailureException;

/**
 * Handles notifications that only say "look at the database" about a key, such as an account. Notifications of one key that wait together are
 * one, there is one run per key at a time, and a notification during the run causes one more run after it: so whatever was committed before a
 * notification is seen by a run that begins after it. Keys run beside each other, in the order in which they came.
 *
 * <p>A run that fails is logged and forgotten; a sweep finds what it left over. An infrastructure failure is one line of warning, anything
 * else an error with its stack.
 *
 * @param <K> a value: equal keys are one
 */
public final class CoalescedNotifications<K> implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(CoalescedNotifications.class);

    /** What is done about a key. An interrupt means that the process stops. */
    @FunctionalInterface
    public interface Handler<K> {
        void handle(K key) throws InterruptedException;
    }

    /**
     * Bounds.
     *
     * @param keysAtOnce keys that run at once; the others wait
     * @param waitingMax keys that wait; a notification of one more is refused
     * @param stopWait how long {@link #close} waits for runs under way before it interrupts them
     */
    public record Limits(int keysAtOnce, int waitingMax, Duration stopWait) {
        public static final Limits ONE_AT_A_TIME = new Limits(1, 10_000, Duration.ofSeconds(2));
        /** For handlers that bound themselves. */
        public static final Limits NONE = new Limits(Integer.MAX_VALUE, Integer.MAX_VALUE, Duration.ofSeconds(2));

        public Limits withKeysAtOnce(int keys) {
            return new Limits(keys, waitingMax, stopWait);
        }

        public Limits withStopWait(Duration wait) {
            return new Limits(keysAtOnce, waitingMax, wait);
        }
    }

    private final String name;
    private final Limits limits;
    private final Handler<K> handler;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
    private final LinkedHashSet<K> waiting = new LinkedHashSet<>();
    /** Whether each running key was notified during its run, and its thread. */
    private final Map<K, Run> running = new HashMap<>();

    private boolean closed;

    private static final class Run {
        private final Thread thread;
        private boolean again;

        private Run(Thread thread) {
            this.thread = thread;
        }
    }

    /** @param name a thread's name is {@code name-key} */
    public CoalescedNotifications(String name, Limits limits, Handler<K> handler) {
        this.name = name;
        this.limits = limits;
        this.handler = handler;
    }

    /**
     * Returns at once; the key is handled on a virtual thread.
     *
     * @return false if it will not be handled, because too many wait or this is closed
     */
    public boolean notify(K key) {
        lock.lock();
        try {
            if (closed) {
                return false;
            }
            Run run = running.get(key);
            if (run != null) {
                run.again = true;
                return true;
            }
            if (!waiting.contains(key) && waiting.size() >= limits.waitingMax()) {
                return false;
            }
            waiting.add(key);
            startNext();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Keys that run now. */
    public int running() {
        lock.lock();
        try {
            return running.size();
        } finally {
            lock.unlock();
        }
    }

    /** With the lock held. */
    private void startNext() {
        while (!closed && !waiting.isEmpty() && running.size() < limits.keysAtOnce()) {
            K key = waiting.removeFirst();
            Thread thread = Thread.ofVirtual().name(name + "-" + key).unstarted(() -> run(key));
            running.put(key, new Run(thread));
            thread.start();
        }
    }

    private void run(K key) {
        try {
            handler.handle(key);
        } catch (InterruptedException e) {
            LOG.debugf("%s of %s was interrupted", name, key);
        } catch (InfrastructureFailureException e) {
            LOG.warnf("%s of %s failed: %s", name, key, e.getMessage());
        } catch (RuntimeException | Error e) {
            LOG.errorf(e, "%s of %s failed", name, key);
        } finally {
            ended(key);
        }
    }

    private void ended(K key) {
        lock.lock();
        try {
            Run run = running.remove(key);
            if (run.again && !closed) {
                waiting.add(key);
            }
            startNext();
            if (running.isEmpty()) {
                idle.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes no more notifications and forgets those that wait; a sweep of the next process finds them. Runs under way may end within the
     * limit's time and are interrupted then.
     */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            waiting.clear();
            long left = limits.stopWait().toNanos();
            while (!running.isEmpty() && left > 0) {
                left = idle.awaitNanos(left);
            }
            interruptRuns();
        } catch (InterruptedException e) {
            interruptRuns();
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    private void interruptRuns() {
        if (!running.isEmpty()) {
            LOG.warnf("%s: %d runs did not end in time", name, running.size());
            running.values().forEach(run -> run.thread.interrupt());
        }
    }
}
