package org.postbus.kit.concurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.kit.InfrastructureFailureException;

class AwaitTest {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(20);

    private static final class LateException extends Exception {
        LateException(Duration waited) {
            super("late after " + waited);
        }
    }

    @AfterEach
    void clearInterruption() {
        Thread.interrupted();
    }

    @Test
    void returns_the_result() throws Exception {
        assertThat(Await.of(Uni.createFrom().item("uni"), SOON, LateException::new))
                .isEqualTo("uni");
        assertThat(Await.of(Future.succeededFuture("future"), SOON, LateException::new))
                .isEqualTo("future");
        assertThat(Await.of(CompletableFuture.completedFuture("stage"), SOON, LateException::new))
                .isEqualTo("stage");
        assertThat(Await.uninterruptibly(Uni.createFrom().item("uni"), SOON, LateException::new))
                .isEqualTo("uni");
        assertThat(Await.infrastructure("reading", Future.succeededFuture("row"), SOON))
                .isEqualTo("row");
    }

    @Test
    void throws_an_unchecked_failure_as_it_is_and_wraps_a_checked_one() {
        RuntimeException failure = new IllegalArgumentException("wrong");
        IOException checked = new IOException("closed");
        Error error = new AssertionError("bug");

        assertThatThrownBy(() -> Await.of(Uni.createFrom().failure(failure), SOON, LateException::new))
                .isSameAs(failure);
        assertThatThrownBy(() -> Await.of(Future.failedFuture(failure), SOON, LateException::new))
                .isSameAs(failure);
        assertThatThrownBy(() -> Await.of(Future.failedFuture(error), SOON, LateException::new))
                .isSameAs(error);
        assertThatThrownBy(() -> Await.of(Future.failedFuture(checked), SOON, LateException::new))
                .isInstanceOf(IllegalStateException.class)
                .hasCause(checked);
    }

    @Test
    void a_timeout_throws_what_the_caller_makes_of_it_and_cancels_a_uni_only() {
        AtomicBoolean cancelled = new AtomicBoolean();
        Uni<String> uni = Uni.createFrom().<String>nothing().onCancellation().invoke(() -> cancelled.set(true));
        CompletableFuture<String> shared = new CompletableFuture<>();

        assertThatThrownBy(() -> Await.of(uni, SHORT, LateException::new))
                .isInstanceOf(LateException.class)
                .hasMessage("late after PT0.02S");
        assertThatThrownBy(() -> Await.of(shared, SHORT, LateException::new)).isInstanceOf(LateException.class);

        assertThat(cancelled).isTrue();
        assertThat(shared).isNotDone();
    }

    @Test
    void an_interruption_ends_the_wait_and_cancels_the_uni() throws Exception {
        AtomicBoolean cancelled = new AtomicBoolean();
        Uni<String> uni = Uni.createFrom().<String>nothing().onCancellation().invoke(() -> cancelled.set(true));
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread waiting = Thread.ofVirtual().start(() -> {
            try {
                Await.of(uni, SOON, LateException::new);
            } catch (Exception e) {
                thrown.set(e);
            }
        });

        waiting.interrupt();
        waiting.join();

        assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
        assertThat(cancelled).isTrue();
    }

    @Test
    void an_interruption_counts_as_a_timeout_where_it_can_not_be_passed_on() {
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> Await.uninterruptibly(Uni.createFrom().nothing(), SOON, LateException::new))
                .isInstanceOf(LateException.class);

        assertThat(Thread.currentThread().isInterrupted()).isTrue();
    }

    @Test
    void every_failure_of_the_infrastructure_is_an_infrastructure_failure() {
        IOException cause = new IOException("connection reset");

        assertThatExceptionOfType(InfrastructureFailureException.class)
                .isThrownBy(() -> Await.infrastructure("claiming an account", Future.failedFuture(cause), SOON))
                .withMessage("claiming an account: connection reset")
                .withCause(cause);
        assertThatExceptionOfType(InfrastructureFailureException.class)
                .isThrownBy(() -> Await.infrastructure(
                        "claiming an account", Promise.promise().future(), SHORT))
                .withMessageStartingWith("claiming an account: no answer within");
    }
}
