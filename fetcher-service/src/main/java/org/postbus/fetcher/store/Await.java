package org.postbus.fetcher.store;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/**
 * Waits, on a virtual thread and never longer than told, for what happens elsewhere. An interrupt ends the waiting and
 * cancels what was waited for: that is how a loop is stopped.
 */
public final class Await {
    private Await() {}

    /**
     * @throws ServerException what the client reported, or {@code Unreachable} if the time ran out
     * @throws RuntimeException any other failure, as it is
     */
    public static <T> T server(Uni<T> answer, Duration atMost) throws InterruptedException {
        CompletableFuture<T> future = answer.subscribeAsCompletionStage();
        try {
            return future.get(atMost.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new ServerException(
                    new ServerFailure.Unreachable("the server did not answer within " + atMost.toSeconds() + " s"), e);
        } catch (ExecutionException e) {
            throw unchecked(e.getCause());
        } finally {
            future.cancel(true);
        }
    }

    /** @throws InfrastructureFailureException if it fails or the time runs out */
    public static <T> T backend(String what, CompletableFuture<T> answer, Duration atMost) throws InterruptedException {
        try {
            return answer.get(atMost.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new InfrastructureFailureException(what + ": nothing within " + atMost.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new InfrastructureFailureException(what, e.getCause());
        }
    }

    /** @throws InfrastructureFailureException if it fails or the time runs out */
    public static <T> T backend(String what, Future<T> answer, Duration atMost) throws InterruptedException {
        return backend(what, answer.toCompletionStage().toCompletableFuture(), atMost);
    }

    private static RuntimeException unchecked(Throwable cause) {
        return switch (cause) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(cause);
        };
    }
}
