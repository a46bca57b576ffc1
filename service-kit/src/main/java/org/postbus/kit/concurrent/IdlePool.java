package org.postbus.kit.concurrent;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Keeps what is expensive to open, such as a connection that is logged in, for a while after its last use, by key. Holds only what is idle:
 * a value that was taken belongs to its user until it is given back. Thread-safe. Values are ended outside of the lock.
 *
 * <p>Each value has a revision, that of the settings with which it was opened. One of another revision is never used again.
 *
 * @param <K> a value: equal keys are one
 * @param <V> compared by identity
 */
public final class IdlePool<K, V> implements AutoCloseable {

    /**
     * Bounds. Beyond the second or third the value that has been idle longest is evicted.
     *
     * @param idleMax how long a value is kept after its last use
     * @param perKeyMax values kept per key
     * @param totalMax values kept for all keys together
     */
    public record Limits(Duration idleMax, int perKeyMax, int totalMax) {}

    private final Vertx vertx;
    private final Limits limits;
    private final Predicate<V> usable;
    private final Consumer<V> retire;
    private final Consumer<V> close;
    private final Map<K, Deque<Idle<K, V>>> byKey = new HashMap<>();
    /** In the order in which they became idle. */
    private final LinkedHashSet<Idle<K, V>> byAge = new LinkedHashSet<>();

    private boolean closed;

    private static final class Idle<K, V> {
        private final K key;
        private final long revision;
        private final V value;
        private long timer;

        private Idle(K key, long revision, V value) {
            this.key = key;
            this.revision = revision;
            this.value = value;
        }
    }

    /**
     * @param usable whether a value can be used again; asked when it is given back and when it is taken. Must not block
     * @param close ends a value, whatever the reason
     */
    public IdlePool(Vertx vertx, Limits limits, Predicate<V> usable, Consumer<V> close) {
        this(vertx, limits, usable, close, close);
    }

    /**
     * @param retire ends a value that has been idle for too long, or that was evicted for another: may log out first
     * @param close ends a value that can not be used any more, and every value when the pool is closed
     */
    public IdlePool(Vertx vertx, Limits limits, Predicate<V> usable, Consumer<V> retire, Consumer<V> close) {
        this.vertx = vertx;
        this.limits = limits;
        this.usable = usable;
        this.retire = retire;
        this.close = close;
    }

    /** The value of this key and revision that was used last; it leaves the pool. Those of other revisions are closed. */
    public Optional<V> take(K key, long revision) {
        List<V> leaving = new ArrayList<>();
        Optional<V> found = Optional.empty();
        synchronized (this) {
            Deque<Idle<K, V>> ofKey = byKey.get(key);
            while (ofKey != null && !ofKey.isEmpty() && found.isEmpty()) {
                Idle<K, V> last = ofKey.getLast();
                remove(last);
                if (last.revision == revision && usable.test(last.value)) {
                    found = Optional.of(last.value);
                } else {
                    leaving.add(last.value);
                }
            }
        }
        leaving.forEach(close);
        return found;
    }

    /** Gives a value back with which nothing is under way. It is closed at once if it can not be used again. */
    public void giveBack(K key, long revision, V value) {
        if (!usable.test(value)) {
            close.accept(value);
            return;
        }
        List<V> leaving = new ArrayList<>();
        boolean kept;
        synchronized (this) {
            kept = !closed;
            if (kept) {
                Idle<K, V> idle = new Idle<>(key, revision, value);
                idle.timer = vertx.setTimer(Math.max(1, limits.idleMax().toMillis()), fired -> expire(idle));
                byKey.computeIfAbsent(key, unused -> new ArrayDeque<>()).addLast(idle);
                byAge.add(idle);
                while (byKey.get(key).size() > limits.perKeyMax()) {
                    leaving.add(remove(byKey.get(key).getFirst()));
                }
                while (byAge.size() > limits.totalMax()) {
                    leaving.add(remove(byAge.getFirst()));
                }
            }
        }
        leaving.forEach(retire);
        if (!kept) {
            close.accept(value);
        }
    }

    /** Forgets a value that has ended by itself, as when the server hung up; it is not closed. Does nothing if it is not idle here. */
    public synchronized void forget(K key, V value) {
        Deque<Idle<K, V>> ofKey = byKey.getOrDefault(key, new ArrayDeque<>());
        List.copyOf(ofKey).stream().filter(idle -> idle.value == value).forEach(this::remove);
    }

    /** Values that are idle here. */
    public synchronized int size() {
        return byAge.size();
    }

    private void expire(Idle<K, V> idle) {
        synchronized (this) {
            if (!byAge.contains(idle)) {
                return;
            }
            remove(idle);
        }
        retire.accept(idle.value);
    }

    /** With the lock held. */
    private V remove(Idle<K, V> idle) {
        vertx.cancelTimer(idle.timer);
        byAge.remove(idle);
        Deque<Idle<K, V>> ofKey = byKey.get(idle.key);
        ofKey.remove(idle);
        if (ofKey.isEmpty()) {
            byKey.remove(idle.key);
        }
        return idle.value;
    }

    /** Closes what is idle, and from then on whatever is given back. */
    @Override
    public void close() {
        List<V> leaving;
        synchronized (this) {
            closed = true;
            leaving = byAge.stream().map(idle -> idle.value).toList();
            byAge.forEach(idle -> vertx.cancelTimer(idle.timer));
            byAge.clear();
            byKey.clear();
        }
        leaving.forEach(close);
    }
}
