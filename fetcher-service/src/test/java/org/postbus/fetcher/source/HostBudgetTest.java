package org.postbus.fetcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class HostBudgetTest {
    private final HostBudget budget = new HostBudget(20, 50, 8);

    @Test
    void ten_thousand_accounts_that_start_at_once_log_in_one_after_the_other() {
        HostBudget.LoginPace pace = new HostBudget.LoginPace(50);
        List<Long> millis = new ArrayList<>();
        for (int account = 0; account < 10_000; account++) {
            millis.add(pace.reserve(1_000_000_000L).toMillis());
        }
        for (int i = 50; i < millis.size(); i++) {
            assertThat(millis.get(i) - millis.get(i - 50))
                    .as("no second has more than 50 logins")
                    .isGreaterThanOrEqualTo(999);
        }
        assertThat(millis.getLast()).isBetween(198_000L, 200_000L);
    }

    @Test
    void logins_that_hang_do_not_keep_others_away() throws Exception {
        HostBudget narrow = new HostBudget(2, 50, 8);
        List<Thread> hanging = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            hanging.add(Thread.ofVirtual().start(() -> {
                try {
                    narrow.login("slow.example.com", () -> {
                        Thread.sleep(Duration.ofMinutes(5));
                        return true;
                    });
                } catch (InterruptedException over) {
                    Thread.currentThread().interrupt();
                }
            }));
        }
        Thread.sleep(100);
        long began = System.nanoTime();

        boolean loggedIn = narrow.login("good.example.com", () -> true);

        assertThat(loggedIn).isTrue();
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(5));
        hanging.forEach(Thread::interrupt);
    }

    @Test
    void connections_that_are_ready_at_the_same_moment_do_not_log_in_at_the_same_moment() {
        HostBudget slow = new HostBudget(20, 10, 8);
        long began = System.nanoTime();
        List<Long> turns = new ArrayList<>();
        CompletableFuture<?>[] all = new CompletableFuture<?>[24];
        for (int i = 0; i < all.length; i++) {
            all[i] = slow.loginTurn("host").subscribeAsCompletionStage().thenRun(() -> {
                synchronized (turns) {
                    turns.add(System.nanoTime() - began);
                }
            });
        }
        CompletableFuture.allOf(all).join();

        // 9 at once, the next 9 a second later, the rest after another one.
        assertThat(turns.get(8)).isLessThan(Duration.ofMillis(900).toNanos());
        assertThat(turns.get(9)).isGreaterThan(Duration.ofMillis(980).toNanos());
        assertThat(turns.get(18)).isGreaterThan(Duration.ofMillis(1960).toNanos());
    }

    @Test
    void a_host_that_was_quiet_allows_a_burst_and_no_more() {
        HostBudget.LoginPace pace = new HostBudget.LoginPace(50);
        pace.reserve(0);
        long later = Duration.ofHours(1).toNanos();
        int atOnce = 0;
        while (pace.reserve(later).isZero()) {
            atOnce++;
        }
        assertThat(atOnce).isEqualTo(50);
    }

    @Test
    void watchers_leave_a_quarter_of_the_connections_to_passes() throws Exception {
        List<HostBudget.Place> watchers = new ArrayList<>();
        Optional<HostBudget.Place> next = budget.placeToWatch("host");
        while (next.isPresent()) {
            watchers.add(next.get());
            next = budget.placeToWatch("host");
        }
        assertThat(watchers).hasSize(6);
        budget.place("host");
        budget.place("host");
        assertThat(budget.isWaitedFor("host")).isFalse();

        AtomicBoolean got = new AtomicBoolean();
        Thread.ofVirtual().start(() -> {
            try {
                budget.place("host");
                got.set(true);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        await().until(() -> budget.isWaitedFor("host"));
        assertThat(got).isFalse();
        watchers.getFirst().close();
        watchers.getFirst().close();

        await().untilTrue(got);
        assertThat(budget.placeToWatch("host")).isEmpty();
        assertThat(budget.placeToWatch("another")).isPresent();
    }
}
