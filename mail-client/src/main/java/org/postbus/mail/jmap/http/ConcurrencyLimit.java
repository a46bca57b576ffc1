package org.postbus.mail.jmap.http;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.Cancellable;
import io.smallrye.mutiny.subscription.UniEmitter;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;

/**
 * Limits the number of operations that run at a time; the others wait in order (RFC 8620 section 2,
 * maxConcurrentRequests).
 */
final class ConcurrencyLimit {
    private final Deque<Waiting<?>> waiting = new ArrayDeque<>();
    private int free;

    ConcurrencyLimit(int max) {
        this.free = max;
    }

    <T> Uni<T> run(Supplier<Uni<T>> operation) {
        return Uni.createFrom().emitter(emitter -> {
            var waiter = new Waiting<T>(operation, emitter);
            emitter.onTermination(waiter::cancel);
            boolean starts;
            synchronized (this) {
                starts = free > 0;
                if (starts) {
                    free--;
                    waiter.started = true;
                } else {
                    waiting.add(waiter);
                }
            }
            if (starts) {
                waiter.start();
            }
        });
    }

    private void release() {
        Waiting<?> next;
        synchronized (this) {
            next = waiting.poll();
            if (next == null) {
                free++;
                return;
            }
            next.started = true;
        }
        next.start();
    }

    private final class Waiting<T> {
        private final Supplier<Uni<T>> operation;
        private final UniEmitter<? super T> emitter;
        private boolean started;
        private boolean ended;
        private Cancellable running;

        Waiting(Supplier<Uni<T>> operation, UniEmitter<? super T> emitter) {
            this.operation = operation;
            this.emitter = emitter;
        }

        void start() {
            Cancellable subscription = Uni.createFrom()
                    .deferred(operation::get)
                    .subscribe()
                    .with(
                            item -> {
                                end();
                                emitter.complete(item);
                            },
                            failure -> {
                                end();
                                emitter.fail(failure);
                            });
            synchronized (ConcurrencyLimit.this) {
                if (!ended) {
                    running = subscription;
                    return;
                }
            }
            // Cancelled while it was being started; does nothing if it was done by then.
            subscription.cancel();
        }

        private void end() {
            synchronized (ConcurrencyLimit.this) {
                if (ended) {
                    return;
                }
                ended = true;
            }
            release();
        }

        /** Called on completion, too, where it has no effect. */
        void cancel() {
            Cancellable subscription;
            synchronized (ConcurrencyLimit.this) {
                if (!started) {
                    waiting.remove(this);
                    return;
                }
                subscription = running;
            }
            end();
            if (subscription != null) {
                subscription.cancel();
            }
        }
    }
}
