package org.postbus.kit.concurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.postbus.kit.InfrastructureFailureException;

class PeriodicJobTest {
    private static final Duration SHORT = Duration.ofMillis(5);
    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration SOON = Duration.ofSeconds(30);

    @Test
    void runs_again_and_again_whatever_a_run_fails_with() {
        AtomicInteger runs = new AtomicInteger();
        try (PeriodicJob job = new PeriodicJob("test", SHORT, () -> {
            switch (runs.incrementAndGet()) {
                case 1 -> throw new InfrastructureFailureException("no database", null);
                case 2 -> throw new IllegalStateException("a bug");
                case 3 -> throw new AssertionError("a worse one");
                case 4 -> throw new InterruptedException();
                default -> {}
            }
        })) {
            job.start();
            Awaitility.await().atMost(SOON).until(() -> runs.get() > 6);
        }
    }

    @Test
    void the_first_run_is_at_once_or_after_the_pause() {
        AtomicInteger runs = new AtomicInteger();
        try (PeriodicJob atOnce = new PeriodicJob("test", LONG, runs::incrementAndGet);
                PeriodicJob later = new PeriodicJob("test", LONG, () -> runs.addAndGet(100))) {
            atOnce.start();
            later.startAfterPause();
            Awaitility.await().atMost(SOON).until(() -> runs.get() == 1);
            assertThatThrownBy(atOnce::start).isInstanceOf(IllegalStateException.class);

            later.runNow();
            Awaitility.await().atMost(SOON).until(() -> runs.get() == 101);
        }
    }

    @Test
    void many_calls_during_a_run_are_one_run_after_it() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        try (PeriodicJob job = new PeriodicJob("test", LONG, () -> {
            runs.incrementAndGet();
            running.countDown();
            goOn.await();
        })) {
            job.start();
            running.await();
            for (int i = 0; i < 10; i++) {
                job.runNow();
            }
            goOn.countDown();
            Awaitility.await().atMost(SOON).until(() -> runs.get() == 2);
            Awaitility.await().during(Duration.ofMillis(50)).until(() -> runs.get() == 2);
        }
    }

    @Test
    void no_run_begins_after_it_was_closed_and_one_under_way_is_interrupted_if_it_does_not_end() throws Exception {
        AtomicBoolean interrupted = new AtomicBoolean();
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        PeriodicJob job = new PeriodicJob("test", SHORT, () -> {
            running.countDown();
            try {
                Thread.sleep(LONG);
            } catch (InterruptedException e) {
                interrupted.set(true);
                throw e;
            } finally {
                ended.countDown();
            }
        });
        job.start();
        running.await();

        job.close();

        assertThat(ended.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(interrupted).isTrue();
        assertThat(job.isStopped()).isTrue();
    }
}
