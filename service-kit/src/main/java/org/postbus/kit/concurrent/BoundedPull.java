package org.postbus.kit.concurrent;

import io.smallrye.mutiny.Multi;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * Reads a {@link Multi} from a sequential loop on a virtual thread, item by item, and requests more only as the loop takes them: while the loop
 * is held up, no more waits here than {@link ReadAhead} allows and the source's socket is not read. One reader. Closing it before the end
 * cancels the source.
 */
public final class BoundedPull<T> implements AutoCloseable {
    private final ReadAhead<T> ahead;
    private final Executor context;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final ArrayDeque<T> items = new ArrayDeque<>();
    private Flow.Subscription subscription;
    private Throwable failure;
    private boolean ended;
    /** An item has been requested that has not arrived. */
    private boolean requested;

    private long waiting;

    private BoundedPull(ReadAhead<T> ahead, Executor context) {
        this.ahead = ahead;
        this.context = context;
    }

    public static <T> BoundedPull<T> of(Multi<T> source, ReadAhead<T> ahead) {
        return of(source, ahead, Runnable::run);
    }

    /** @param context where the source is subscribed to, requested from and cancelled, if it must not be touched from elsewhere */
    public static <T> BoundedPull<T> of(Multi<T> source, ReadAhead<T> ahead, Executor context) {
        BoundedPull<T> pull = new BoundedPull<>(ahead, context);
        context.execute(() -> source.subscribe().withSubscriber(pull.new Subscriber()));
        return pull;
    }

    /**
     * The next item, waited for as long as it takes; empty at the end. Fails with what the source failed with, after the items before it; a
     * checked exception is the cause of an {@link IllegalStateException}.
     */
    public Optional<T> next() throws InterruptedException {
        return next(Long.MAX_VALUE, () -> new IllegalStateException("three hundred years have passed"));
    }

    /** As {@link #next()}, for at most that time: then it throws what {@code onTimeout} makes. */
    public <X extends Exception> Optional<T> next(Duration atMost, Function<Duration, X> onTimeout)
            throws InterruptedException, X {
        return next(atMost.toNanos(), () -> onTimeout.apply(atMost));
    }

    private interface Timeout<X extends Exception> {
        X make();
    }

    private <X extends Exception> Optional<T> next(long nanos, Timeout<X> timeout) throws InterruptedException, X {
        Flow.Subscription more = null;
        T item;
        lock.lockInterruptibly();
        try {
            long left = nanos;
            while (items.isEmpty() && !ended) {
                if (left <= 0) {
                    throw timeout.make();
                }
                left = arrived.awaitNanos(left);
            }
            if (items.isEmpty()) {
                if (failure == null) {
                    return Optional.empty();
                }
                throw unchecked(failure);
            }
            item = items.poll();
            count(-ahead.bytes(item));
            // Not before half of it is taken: one request per item would cost a hop to the event loop each.
            boolean due = items.isEmpty()
                    || waiting * 2 <= ahead.bytesMax() && !ahead.tight().getAsBoolean();
            if (!requested && !ended && due) {
                more = subscription;
                requested = true;
            }
        } finally {
            lock.unlock();
        }
        if (more != null) {
            Flow.Subscription open = more;
            context.execute(() -> open.request(1));
        }
        return Optional.of(item);
    }

    private void count(long change) {
        waiting += change;
        ahead.waiting().accept(waiting);
    }

    private final class Subscriber implements Flow.Subscriber<T> {
        @Override
        public void onSubscribe(Flow.Subscription begun) {
            boolean wanted;
            lock.lock();
            try {
                subscription = begun;
                wanted = !ended;
                requested = wanted;
            } finally {
                lock.unlock();
            }
            if (wanted) {
                begun.request(1);
            } else {
                begun.cancel();
            }
        }

        @Override
        public void onNext(T item) {
            Flow.Subscription more = null;
            lock.lock();
            try {
                requested = false;
                if (ended) {
                    return;
                }
                items.add(item);
                count(ahead.bytes(item));
                if (waiting < ahead.bytesMax() && !ahead.tight().getAsBoolean()) {
                    requested = true;
                    more = subscription;
                }
                arrived.signal();
            } finally {
                lock.unlock();
            }
            if (more != null) {
                more.request(1);
            }
        }

        @Override
        public void onError(Throwable cause) {
            end(cause);
        }

        @Override
        public void onComplete() {
            end(null);
        }

        private void end(Throwable cause) {
            lock.lock();
            try {
                failure = cause;
                ended = true;
                arrived.signal();
            } finally {
                lock.unlock();
            }
        }
    }

    @Override
    public void close() {
        Flow.Subscription open;
        lock.lock();
        try {
            open = ended ? null : subscription;
            ended = true;
            items.clear();
            count(-waiting);
        } finally {
            lock.unlock();
        }
        if (open != null) {
            context.execute(open::cancel);
        }
    }

    private static RuntimeException unchecked(Throwable cause) {
        return switch (cause) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(cause);
        };
    }
}
