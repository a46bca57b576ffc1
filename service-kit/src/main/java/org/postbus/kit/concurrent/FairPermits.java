package org.postbus.kit.concurrent;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * A bulkhead that owners, such as tenants, share fairly. Owners that wait are served in turn (deficit round robin: by amount, where requests
 * differ in it), so a request at the head of its owner's queue waits for at most one turn of each other owner. The requests of one owner are
 * served in order, {@link Urgency#FIRST} before {@link Urgency#LATER}. Part of the permits is reserved: no owner holds all of them, so
 * that another owner's first request seldom waits for the first owner to release anything.
 *
 * <p>A request for more than an owner's limit is granted when the owner holds nothing else. Acquiring, releasing and giving up take constant
 * time. Thread-safe; to be waited for on virtual threads.
 *
 * @param <K> the owner, a value: equal keys are one
 */
public final class FairPermits<K> {
    /** One in four permits is reserved unless the constructor says otherwise. */
    private static final int RESERVED_SHARE = 4;

    /** Which requests of one owner are served before the others. */
    public enum Urgency {
        FIRST,
        LATER
    }

    private final int permits;
    private final int ownerMax;
    private final Consumer<Duration> waited;
    private final ReentrantLock lock = new ReentrantLock();
    /** Owners that hold permits or wait for some. */
    private final Map<K, Owner<K>> owners = new HashMap<>();
    /** Owners that wait; the first is next. */
    private final SequencedSet<Owner<K>> turns = new LinkedHashSet<>();

    private int free;
    /** The largest amount that was requested so far: an owner takes about this much in one turn. */
    private int quantum = 1;

    private static final class Owner<K> {
        private final K key;
        private final SequencedSet<Request> first = new LinkedHashSet<>();
        private final SequencedSet<Request> later = new LinkedHashSet<>();
        private int held;
        /** What is left of its turn. */
        private int credit;

        private Owner(K key) {
            this.key = key;
        }

        private SequencedSet<Request> queue(Urgency urgency) {
            return switch (urgency) {
                case FIRST -> first;
                case LATER -> later;
            };
        }

        private boolean waits() {
            return !first.isEmpty() || !later.isEmpty();
        }

        private Request head() {
            return first.isEmpty() ? later.getFirst() : first.getFirst();
        }
    }

    private static final class Request {
        private final int amount;
        private final Condition granted;
        private boolean isGranted;

        private Request(int amount, Condition granted) {
            this.amount = amount;
            this.granted = granted;
        }
    }

    /** A quarter of the permits is reserved, and at least one if there are two or more. */
    public FairPermits(int permits) {
        this(permits, Math.min(permits - 1, Math.max(1, permits / RESERVED_SHARE)), waited -> {});
    }

    /** @param waited is given the time that each granted request waited, also where that is next to nothing. Must not block */
    public FairPermits(int permits, Consumer<Duration> waited) {
        this(permits, Math.min(permits - 1, Math.max(1, permits / RESERVED_SHARE)), waited);
    }

    /**
     * @param permits 1 or more
     * @param reserved an owner never holds more than the others: less than {@code permits}
     */
    public FairPermits(int permits, int reserved, Consumer<Duration> waited) {
        if (permits < 1 || reserved < 0 || reserved >= permits) {
            throw new IllegalArgumentException(reserved + " of " + permits + " permits are reserved");
        }
        this.permits = permits;
        this.ownerMax = permits - reserved;
        this.free = permits;
        this.waited = waited;
    }

    /** Waits for one permit. */
    public Permit acquire(K owner) throws InterruptedException {
        return acquire(owner, Urgency.FIRST, 1);
    }

    /**
     * Waits for as long as it takes.
     *
     * @param amount 1 or more; what exceeds all permits counts as all of them
     */
    public Permit acquire(K owner, Urgency urgency, int amount) throws InterruptedException {
        return acquire(owner, urgency, amount, Long.MAX_VALUE).orElseThrow();
    }

    /** One permit, waited for at most that long; empty if there was none by then. */
    public Optional<Permit> tryAcquire(K owner, Duration atMost) throws InterruptedException {
        return acquire(owner, Urgency.FIRST, 1, atMost.toNanos());
    }

    /** One permit if there is one for this owner and none of its requests waits. Never blocks. */
    public Optional<Permit> tryAcquire(K owner) {
        return tryAcquire(owner, 1);
    }

    /** As {@link #tryAcquire(Object)}, for an amount. */
    public Optional<Permit> tryAcquire(K key, int wanted) {
        lock.lock();
        try {
            int amount = Math.min(wanted, permits);
            Owner<K> owner = owners.computeIfAbsent(key, Owner::new);
            boolean allowed = owner.held == 0 || owner.held + amount <= ownerMax;
            if (!owner.waits() && amount <= free && allowed && next().isEmpty()) {
                return Optional.of(take(owner, amount));
            }
            forgetIfIdle(owner);
            return Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    private Optional<Permit> acquire(K key, Urgency urgency, int wanted, long nanos) throws InterruptedException {
        if (wanted < 1) {
            throw new IllegalArgumentException("permits: " + wanted);
        }
        long began = System.nanoTime();
        lock.lockInterruptibly();
        try {
            Request request = new Request(Math.min(wanted, permits), lock.newCondition());
            quantum = Math.max(quantum, request.amount);
            Owner<K> owner = owners.computeIfAbsent(key, Owner::new);
            owner.queue(urgency).add(request);
            turns.add(owner);
            grant();
            try {
                long left = nanos;
                while (!request.isGranted && left > 0) {
                    left = request.granted.awaitNanos(left);
                }
            } catch (InterruptedException e) {
                abandon(owner, urgency, request);
                throw e;
            }
            if (!request.isGranted) {
                abandon(owner, urgency, request);
                return Optional.empty();
            }
            waited.accept(Duration.ofNanos(System.nanoTime() - began));
            return Optional.of(new Permit(owner, request.amount));
        } finally {
            lock.unlock();
        }
    }

    /** With the lock held. The request may have been granted at the same moment. */
    private void abandon(Owner<K> owner, Urgency urgency, Request request) {
        if (request.isGranted) {
            release(owner, request.amount);
        } else {
            owner.queue(urgency).remove(request);
            leaveTurnIfDone(owner);
            forgetIfIdle(owner);
            // Others may have waited behind this request.
            grant();
        }
    }

    /** With the lock held. Serves owners in turn until the next request does not fit. */
    private void grant() {
        Optional<Owner<K>> next = next();
        while (next.isPresent()) {
            Owner<K> owner = next.get();
            Request request = owner.head();
            if (owner.credit < request.amount) {
                owner.credit += quantum;
            }
            if (request.amount > free) {
                // Smaller requests of others do not pass it: else it might wait for ever.
                return;
            }
            owner.credit -= request.amount;
            (owner.first.isEmpty() ? owner.later : owner.first).removeFirst();
            free -= request.amount;
            owner.held += request.amount;
            request.isGranted = true;
            request.granted.signal();
            if (owner.waits() && owner.credit < owner.head().amount) {
                turns.remove(owner);
                turns.addLast(owner);
            }
            leaveTurnIfDone(owner);
            next = next();
        }
    }

    /** The first owner that may hold what it waits for. Usually the first: two owners at their limits leave nothing free. */
    private Optional<Owner<K>> next() {
        if (free > 0) {
            for (Owner<K> owner : turns) {
                if (owner.held == 0 || owner.held + owner.head().amount <= ownerMax) {
                    return Optional.of(owner);
                }
            }
        }
        return Optional.empty();
    }

    private void leaveTurnIfDone(Owner<K> owner) {
        if (!owner.waits()) {
            owner.credit = 0;
            turns.remove(owner);
        }
    }

    private void forgetIfIdle(Owner<K> owner) {
        if (owner.held == 0 && !owner.waits()) {
            owners.remove(owner.key);
        }
    }

    private Permit take(Owner<K> owner, int amount) {
        free -= amount;
        owner.held += amount;
        return new Permit(owner, amount);
    }

    /** With the lock held. */
    private void release(Owner<K> owner, int amount) {
        free += amount;
        owner.held -= amount;
        forgetIfIdle(owner);
        grant();
    }

    /** Whether somebody waits for a permit. */
    public boolean isContended() {
        lock.lock();
        try {
            return !turns.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** Permits that are held. */
    public int held() {
        lock.lock();
        try {
            return permits - free;
        } finally {
            lock.unlock();
        }
    }

    /** Held until it is closed. Closing it a second time has no effect. Any thread may close it. */
    public final class Permit implements AutoCloseable {
        private final Owner<K> owner;
        private final int amount;
        private Optional<Thread> timer = Optional.empty();
        private boolean released;

        private Permit(Owner<K> owner, int amount) {
            this.owner = owner;
            this.amount = amount;
        }

        /** Releases it after this time if it is still held then. For pools that bound the start of something, whose rest only waits. */
        public Permit forAtMost(Duration time) {
            lock.lock();
            try {
                if (!released) {
                    timer = Optional.of(Thread.ofVirtual().name("permit-timer").start(() -> closeAfter(time)));
                }
                return this;
            } finally {
                lock.unlock();
            }
        }

        private void closeAfter(Duration time) {
            try {
                Thread.sleep(time);
                close();
            } catch (InterruptedException released) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void close() {
            lock.lock();
            try {
                if (!released) {
                    released = true;
                    timer.filter(thread -> thread != Thread.currentThread()).ifPresent(Thread::interrupt);
                    release(owner, amount);
                }
            } finally {
                lock.unlock();
            }
        }
    }
}
