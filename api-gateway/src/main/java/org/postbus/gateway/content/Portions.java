package org.postbus.gateway.content;

import io.smallrye.mutiny.Multi;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/**
 * Reads a {@link Multi} from a virtual thread, item by item. At most {@value #AHEAD} items wait here: who reads slowly keeps the
 * mail server's socket from being read. One reader. Closing it cancels.
 */
final class Portions<T> implements AutoCloseable {
    private static final int AHEAD = 2;

    private final LinkedBlockingQueue<Signal<T>> arrived = new LinkedBlockingQueue<>();
    private final Executor context;
    private Flow.Subscription subscription;
    private boolean ended;

    private sealed interface Signal<T> {
        record Begun<T>(Flow.Subscription subscription) implements Signal<T> {}

        record Item<T>(T item) implements Signal<T> {}

        record Failed<T>(Throwable failure) implements Signal<T> {}

        record Ended<T>() implements Signal<T> {}
    }

    private Portions(Executor context) {
        this.context = context;
    }

    /** @param context where requests are made: that of the source, if it is not to be touched from elsewhere */
    static <T> Portions<T> of(Multi<T> source, Executor context) {
        Portions<T> portions = new Portions<>(context);
        context.execute(() -> source.subscribe().withSubscriber(portions.new Subscriber()));
        return portions;
    }

    private final class Subscriber implements Flow.Subscriber<T> {
        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            arrived.add(new Signal.Begun<>(subscription));
        }

        @Override
        public void onNext(T item) {
            arrived.add(new Signal.Item<>(item));
        }

        @Override
        public void onError(Throwable failure) {
            arrived.add(new Signal.Failed<>(failure));
        }

        @Override
        public void onComplete() {
            arrived.add(new Signal.Ended<>());
        }
    }

    /**
     * The next item; empty at the end.
     *
     * @throws ServerException {@code Unreachable} if nothing came in time
     * @throws RuntimeException what the source failed with
     */
    Optional<T> next(Duration atMost) throws InterruptedException {
        while (!ended) {
            Signal<T> signal = arrived.poll(atMost.toMillis(), TimeUnit.MILLISECONDS);
            if (signal == null) {
                throw new ServerException(new ServerFailure.Unreachable(
                        "the mail server has sent nothing for " + atMost.toSeconds() + " seconds"));
            }
            switch (signal) {
                case Signal.Begun<T>(var begun) -> {
                    subscription = begun;
                    request(AHEAD);
                }
                case Signal.Item<T>(var item) -> {
                    request(1);
                    return Optional.of(item);
                }
                case Signal.Failed<T>(var failure) -> {
                    ended = true;
                    throw failure instanceof RuntimeException e ? e : new IllegalStateException(failure);
                }
                case Signal.Ended<T> ignored -> ended = true;
            }
        }
        return Optional.empty();
    }

    private void request(int items) {
        Flow.Subscription open = subscription;
        context.execute(() -> open.request(items));
    }

    @Override
    public void close() {
        if (ended) {
            return;
        }
        ended = true;
        if (subscription == null && arrived.peek() instanceof Signal.Begun<T>(var begun)) {
            subscription = begun;
        }
        if (subscription != null) {
            Flow.Subscription open = subscription;
            context.execute(open::cancel);
        }
    }
}
