package org.postbus.mail.egress;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.impl.VertxInternal;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * Limits lookups of names: how many run and wait at once, and how long each may take, waiting included. A name that is being looked up is not
 * looked up a second time. Nothing is kept afterwards. Thread-safe.
 */
final class BoundedLookups {
    static final int AT_ONCE_MAX = 1024;
    static final int WAITING_MAX = 20_000;

    private final VertxInternal vertx;
    private final Function<String, Future<List<InetAddress>>> names;
    private final Duration timeMax;
    // Guarded by this.
    private final Map<String, Lookup> inProgress = new HashMap<>();
    private final Deque<Lookup> waiting = new ArrayDeque<>();
    private int running;

    private static final class Lookup {
        private final String name;
        private final Promise<List<InetAddress>> result = Promise.promise();
        private boolean started;
        private long timer;

        private Lookup(String name) {
            this.name = name;
        }
    }

    BoundedLookups(VertxInternal vertx, Function<String, Future<List<InetAddress>>> names, Duration timeMax) {
        this.vertx = vertx;
        this.names = names;
        this.timeMax = timeMax;
    }

    /** Completes on the caller's context. */
    Future<List<InetAddress>> of(String name) {
        Promise<List<InetAddress>> answer = vertx.getOrCreateContext().promise();
        Lookup lookup;
        synchronized (this) {
            lookup = inProgress.get(name);
            if (lookup == null) {
                if (waiting.size() >= WAITING_MAX) {
                    answer.fail(new TimeoutException("too many names are waiting to be resolved"));
                    return answer.future();
                }
                lookup = begin(name);
            }
        }
        lookup.result.future().onComplete(answer);
        startWaiting();
        return answer.future();
    }

    private Lookup begin(String name) {
        Lookup lookup = new Lookup(name);
        inProgress.put(name, lookup);
        waiting.add(lookup);
        lookup.timer = vertx.setTimer(
                timeMax.toMillis(),
                late -> end(lookup, Future.failedFuture(new TimeoutException("not resolved in time"))));
        return lookup;
    }

    private void startWaiting() {
        while (true) {
            Lookup next;
            synchronized (this) {
                if (running >= AT_ONCE_MAX || waiting.isEmpty()) {
                    return;
                }
                next = waiting.removeFirst();
                next.started = true;
                running++;
            }
            Lookup lookup = next;
            lookUp(lookup.name)
                    .onComplete(found -> end(
                            lookup,
                            found.succeeded()
                                    ? Future.succeededFuture(found.result())
                                    : Future.failedFuture(found.cause())));
        }
    }

    private Future<List<InetAddress>> lookUp(String name) {
        try {
            return names.apply(name);
        } catch (RuntimeException e) {
            return Future.failedFuture(e);
        }
    }

    private void end(Lookup lookup, Future<List<InetAddress>> found) {
        synchronized (this) {
            if (!inProgress.remove(lookup.name, lookup)) {
                return;
            }
            if (lookup.started) {
                running--;
            } else {
                waiting.remove(lookup);
            }
        }
        vertx.cancelTimer(lookup.timer);
        found.onComplete(lookup.result);
        startWaiting();
    }
}
