package org.postbus.fetcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

class OwnThreadTest {

    @Test
    void the_result_or_exception_of_a_step_reaches_its_caller() throws Exception {
        ServerException refused = new ServerException(new ServerFailure.AuthRejected("no"));

        assertThat(OwnThread.run(Thread::currentThread)).isNotSameAs(Thread.currentThread());
        assertThatThrownBy(() -> OwnThread.run(() -> {
                    throw refused;
                }))
                .isSameAs(refused);
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
    }

    @Test
    void an_interrupt_ends_the_step() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        CompletableFuture<Boolean> interruptedStill = new CompletableFuture<>();
        Thread caller = Thread.ofVirtual().start(() -> {
            try {
                OwnThread.run(() -> {
                    waiting.countDown();
                    Thread.sleep(Duration.ofHours(1));
                    return "slept";
                });
            } catch (InterruptedException stopped) {
                thrown.complete(stopped);
                interruptedStill.complete(Thread.currentThread().isInterrupted());
            }
        });
        waiting.await();

        caller.interrupt();

        assertThat(thrown.orTimeout(10, TimeUnit.SECONDS).get()).isInstanceOf(InterruptedException.class);
        assertThat(interruptedStill.get()).isFalse();
    }

    @Test
    void what_an_interrupted_step_opened_is_not_lost() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        CompletableFuture<String> opened = new CompletableFuture<>();
        CompletableFuture<Boolean> interruptedStill = new CompletableFuture<>();
        Thread caller = Thread.ofVirtual().start(() -> {
            try {
                opened.complete(OwnThread.run(() -> {
                    waiting.countDown();
                    try {
                        Thread.sleep(Duration.ofHours(1));
                    } catch (InterruptedException tooLate) {
                        interrupted.countDown();
                    }
                    return "a connection";
                }));
                interruptedStill.complete(Thread.currentThread().isInterrupted());
            } catch (InterruptedException e) {
                opened.completeExceptionally(e);
            }
        });
        waiting.await();

        caller.interrupt();

        assertThat(opened.orTimeout(10, TimeUnit.SECONDS).get()).isEqualTo("a connection");
        assertThat(interruptedStill.get()).isTrue();
        assertThat(interrupted.getCount()).isZero();
    }
}
