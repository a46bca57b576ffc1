package org.postbus.kit.concurrent;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.CoalescedNotifications.Limits;

class CoalescedNotificationsTest {
    private static final Duration SOON = Duration.ofSeconds(30);

    @Test
    void notifications_that_wait_together_are_one_and_keys_keep_their_order() throws Exception {
        List<String> handled = new CopyOnWriteArrayList<>();
        CountDownLatch goOn = new CountDownLatch(1);
        try (var notifications = new CoalescedNotifications<String>("test", Limits.ONE_AT_A_TIME, key -> {
            handled.add(key);
            goOn.await();
        })) {
            List.of("a", "b", "c", "b", "b", "c").forEach(notifications::notify);
            goOn.countDown();
            Awaitility.await().atMost(SOON).until(() -> notifications.running() == 0);
        }
        assertThat(handled).containsExactly("a", "b", "c");
    }

    @Test
    void a_notification_during_a_run_causes_one_more_run_and_never_two_at_once() {
        int rounds = 2_000;
        AtomicInteger committed = new AtomicInteger();
        AtomicInteger seen = new AtomicInteger();
        AtomicInteger runs = new AtomicInteger();
        AtomicBoolean overlapped = new AtomicBoolean();
        Semaphore alone = new Semaphore(1);
        try (var notifications = new CoalescedNotifications<String>("test", Limits.NONE, key -> {
            overlapped.compareAndSet(false, !alone.tryAcquire());
            seen.set(committed.get());
            runs.incrementAndGet();
            Thread.sleep(0, 1000);
            alone.release();
        })) {
            for (int i = 0; i < rounds; i++) {
                committed.incrementAndGet();
                assertThat(notifications.notify("key")).isTrue();
            }
            Awaitility.await().atMost(SOON).until(() -> notifications.running() == 0);
        }
        assertThat(seen.get()).isEqualTo(rounds);
        assertThat(runs.get()).isLessThan(rounds);
        assertThat(overlapped).isFalse();
    }

    @Test
    void no_more_keys_run_at_once_than_allowed() {
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        ConcurrentHashMap<Integer, Boolean> handled = new ConcurrentHashMap<>();
        try (var notifications = new CoalescedNotifications<Integer>("test", Limits.NONE.withKeysAtOnce(3), key -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            Thread.sleep(1);
            handled.put(key, true);
            running.decrementAndGet();
        })) {
            for (int i = 0; i < 100; i++) {
                notifications.notify(i);
            }
            Awaitility.await().atMost(SOON).until(() -> handled.size() == 100);
        }
        assertThat(most.get()).isEqualTo(3);
    }

    @Test
    void a_failure_ends_one_run_only() {
        AtomicInteger runs = new AtomicInteger();
        try (var notifications = new CoalescedNotifications<String>("test", Limits.ONE_AT_A_TIME, key -> {
            switch (runs.incrementAndGet()) {
                case 1 -> throw new InfrastructureFailureException("no broker", null);
                case 2 -> throw new IllegalStateException("a bug");
                default -> {}
            }
        })) {
            for (String key : List.of("a", "b", "c")) {
                notifications.notify(key);
            }
            Awaitility.await().atMost(SOON).until(() -> runs.get() == 3);
            notifications.notify("a");
            Awaitility.await().atMost(SOON).until(() -> runs.get() == 4);
        }
    }

    @Test
    void refuses_keys_beyond_its_limit_and_after_it_was_closed() {
        CountDownLatch goOn = new CountDownLatch(1);
        var notifications = new CoalescedNotifications<String>(
                "test", new Limits(1, 2, Duration.ofSeconds(2)), key -> goOn.await());

        assertThat(notifications.notify("running")).isTrue();
        assertThat(notifications.notify("first")).isTrue();
        assertThat(notifications.notify("second")).isTrue();
        assertThat(notifications.notify("third")).isFalse();
        assertThat(notifications.notify("second")).isTrue();
        goOn.countDown();
        notifications.close();

        assertThat(notifications.notify("first")).isFalse();
    }

    @Test
    void closing_lets_a_run_end_in_time_and_interrupts_one_that_does_not() throws Exception {
        AtomicBoolean interrupted = new AtomicBoolean();
        CountDownLatch running = new CountDownLatch(1);
        var notifications =
                new CoalescedNotifications<String>("test", Limits.NONE.withStopWait(Duration.ofMillis(20)), key -> {
                    running.countDown();
                    try {
                        Thread.sleep(SOON);
                    } catch (InterruptedException e) {
                        interrupted.set(true);
                        throw e;
                    }
                });
        notifications.notify("key");
        running.await();

        notifications.close();

        Awaitility.await().atMost(SOON).untilTrue(interrupted);
    }
}
