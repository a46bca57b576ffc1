package org.postbus.gateway.content;

import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/** Waits, on a virtual thread and never longer than told. An interrupt ends the waiting and cancels what was waited for. */
final class Waiting {
    private Waiting() {}

    /**
     * @throws ServerException what the client reported, or {@code Unreachable} if the time ran out
     * @throws RuntimeException any other failure, as it is
     */
    static <T> T on(Uni<T> answer, Duration atMost) throws InterruptedException {
        CompletableFuture<T> future = answer.subscribeAsCompletionStage();
        try {
            return future.get(atMost.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new ServerException(
                    new ServerFailure.Unreachable("no answer within " + atMost.toSeconds() + " seconds"), e);
        } catch (ExecutionException e) {
            throw unchecked(e.getCause());
        } finally {
            future.cancel(true);
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
