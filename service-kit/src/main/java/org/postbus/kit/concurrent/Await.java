package org.postbus.kit.concurrent;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.postbus.kit.InfrastructureFailureException;

/**
 * Blocks a virtual thread until an asynchronous result is there, for a limited time. Never call it on an event loop.
 *
 * <p>The same in all methods: a {@link RuntimeException} or {@link Error} that the result failed with is thrown as it is, a checked exception
 * as the cause of an {@link IllegalStateException}. When the wait ends early, by time or by interruption, a {@link Uni} is cancelled, while a
 * {@link Future} and a {@link CompletableFuture} go on, because others may use them.
 */
public final class Await {
    private Await() {}

    /**
     * @param onTimeout makes the exception to throw when {@code atMost} has passed
     * @throws InterruptedException if the thread is interrupted: this is how a loop is stopped
     */
    public static <T, X extends Exception> T of(Uni<T> answer, Duration atMost, Function<Duration, X> onTimeout)
            throws InterruptedException, X {
        CompletableFuture<T> future = answer.subscribeAsCompletionStage();
        try {
            return of(future, atMost, onTimeout);
        } finally {
            future.cancel(true);
        }
    }

    /** As {@link #of(Uni, Duration, Function)}, without cancellation. */
    public static <T, X extends Exception> T of(Future<T> answer, Duration atMost, Function<Duration, X> onTimeout)
            throws InterruptedException, X {
        return of(answer.toCompletionStage().toCompletableFuture(), atMost, onTimeout);
    }

    /** As {@link #of(Uni, Duration, Function)}, without cancellation. */
    public static <T, X extends Exception> T of(
            CompletableFuture<T> answer, Duration atMost, Function<Duration, X> onTimeout)
            throws InterruptedException, X {
        try {
            return answer.get(atMost.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw onTimeout.apply(atMost);
        } catch (ExecutionException e) {
            throw unchecked(e.getCause());
        }
    }

    /**
     * For code that has no way to pass an {@link InterruptedException} on: an interruption counts as a timeout, and the thread stays
     * interrupted.
     */
    public static <T, X extends Exception> T uninterruptibly(
            Uni<T> answer, Duration atMost, Function<Duration, X> onTimeout) throws X {
        try {
            return of(answer, atMost, onTimeout);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw onTimeout.apply(atMost);
        }
    }

    /**
     * Waits for PostgreSQL or Kafka.
     *
     * @param what names the work in the message: "claiming an account"
     * @throws InfrastructureFailureException if it failed, whatever with, or if the time ran out
     */
    public static <T> T infrastructure(String what, Future<T> answer, Duration atMost) throws InterruptedException {
        return infrastructure(what, answer.toCompletionStage().toCompletableFuture(), atMost);
    }

    /** As {@link #infrastructure(String, Future, Duration)}. */
    public static <T> T infrastructure(String what, CompletableFuture<T> answer, Duration atMost)
            throws InterruptedException {
        try {
            return answer.get(atMost.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new InfrastructureFailureException(what + ": no answer within " + atMost.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new InfrastructureFailureException(what + ": " + e.getCause().getMessage(), e.getCause());
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
