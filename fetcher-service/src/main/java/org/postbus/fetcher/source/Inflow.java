package org.postbus.fetcher.source;

import io.smallrye.mutiny.Multi;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Reads a {@link Multi} from a sequential loop, item by item, and asks for more only as the loop takes them: while the
 * loop is held up, at most {@code ahead} items wait here and the socket is not read. One reader. Closing it cancels.
 */
public final class Inflow<T> implements AutoCloseable, Flow.Subscriber<T> {
    private final int ahead;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final ArrayDeque<T> items = new ArrayDeque<>();
    private Flow.Subscription subscription;
    private Throwable failure;
    private boolean ended;
    private int taken;

    private Inflow(int ahead) {
        this.ahead = ahead;
    }

    public static <T> Inflow<T> of(Multi<T> source, int ahead) {
        Inflow<T> inflow = new Inflow<>(ahead);
        source.subscribe().withSubscriber(inflow);
        return inflow;
    }

    /** The next item; empty at the end. Fails with what the source failed with, after the items before it. */
    public Optional<T> next() throws InterruptedException {
        Flow.Subscription more = null;
        int count = 0;
        T item;
        lock.lockInterruptibly();
        try {
            while (items.isEmpty() && !ended) {
                arrived.await();
            }
            if (items.isEmpty()) {
                if (failure == null) {
                    return Optional.empty();
                }
                throw failure instanceof RuntimeException e ? e : new IllegalStateException(failure);
            }
            item = items.poll();
            // Ask in halves: one request per item would cost a hop to the event loop each.
            if (++taken * 2 >= ahead && !ended) {
                more = subscription;
                count = taken;
                taken = 0;
            }
        } finally {
            lock.unlock();
        }
        if (more != null) {
            more.request(count);
        }
        return Optional.of(item);
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        lock.lock();
        try {
            this.subscription = subscription;
        } finally {
            lock.unlock();
        }
        subscription.request(ahead);
    }

    @Override
    public void onNext(T item) {
        lock.lock();
        try {
            items.add(item);
            arrived.signal();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void onError(Throwable failure) {
        end(failure);
    }

    @Override
    public void onComplete() {
        end(null);
    }

    private void end(Throwable failure) {
        lock.lock();
        try {
            this.failure = failure;
            ended = true;
            arrived.signal();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        Flow.Subscription open;
        lock.lock();
        try {
            open = ended ? null : subscription;
            ended = true;
        } finally {
            lock.unlock();
        }
        if (open != null) {
            open.cancel();
        }
    }
}
