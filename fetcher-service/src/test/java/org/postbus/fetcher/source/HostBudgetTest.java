package org.postbus.fetcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.postbus.kit.concurrent.FairPermits.Urgency;
import org.postbus.model.TenantId;

class HostBudgetTest {
    private static final HostBudget.Who A =
            new HostBudget.Who(TenantId.of("00000000-0000-4000-8000-00000000000a"), Urgency.FIRST);
    private static final HostBudget.Who NEW_OF_A = new HostBudget.Who(A.tenant(), Urgency.LATER);
    private static final HostBudget.Who B =
            new HostBudget.Who(TenantId.of("00000000-0000-4000-8000-00000000000b"), Urgency.FIRST);

    private final HostBudget budget = new HostBudget(20, 50, 8);

    @Test
    void ten_thousand_accounts_that_start_at_once_log_in_within_the_rate_limit() {
        HostBudget.LoginRateLimit limit = new HostBudget.LoginRateLimit(50);
        List<Long> millis = new ArrayList<>();
        for (int account = 0; account < 10_000; account++) {
            millis.add(limit.reserve(1_000_000_000L).toMillis());
        }
        for (int i = 50; i < millis.size(); i++) {
            assertThat(millis.get(i) - millis.get(i - 50))
                    .as("no second has more than 50 logins")
                    .isGreaterThanOrEqualTo(999);
        }
        assertThat(millis.getLast()).isBetween(198_000L, 200_000L);
    }

    @Test
    void logins_that_hang_do_not_block_others() throws Exception {
        HostBudget narrow = new HostBudget(2, 50, 8);
        List<Thread> hanging = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            hanging.add(Thread.ofVirtual().start(() -> {
                try {
                    narrow.login(A, "slow.example.com", () -> {
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

        boolean loggedIn = narrow.login(A, "good.example.com", () -> true);

        assertThat(loggedIn).isTrue();
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(5));
        hanging.forEach(Thread::interrupt);
    }

    @Test
    void connections_that_are_ready_at_the_same_time_log_in_within_the_rate_limit() {
        HostBudget slow = new HostBudget(20, 10, 8);
        long began = System.nanoTime();
        List<Long> permits = new ArrayList<>();
        CompletableFuture<?>[] all = new CompletableFuture<?>[24];
        for (int i = 0; i < all.length; i++) {
            all[i] = slow.loginPermit("host").subscribeAsCompletionStage().thenRun(() -> {
                synchronized (permits) {
                    permits.add(System.nanoTime() - began);
                }
            });
        }
        CompletableFuture.allOf(all).join();

        // 9 at once, the next 9 a second later, the rest after another one.
        assertThat(permits.get(8)).isLessThan(Duration.ofMillis(900).toNanos());
        assertThat(permits.get(9)).isGreaterThan(Duration.ofMillis(980).toNanos());
        assertThat(permits.get(18)).isGreaterThan(Duration.ofMillis(1960).toNanos());
    }

    @Test
    void after_a_quiet_time_a_burst_of_one_seconds_logins_is_allowed() {
        HostBudget.LoginRateLimit limit = new HostBudget.LoginRateLimit(50);
        limit.reserve(0);
        long later = Duration.ofHours(1).toNanos();
        int atOnce = 0;
        while (limit.reserve(later).isZero()) {
            atOnce++;
        }
        assertThat(atOnce).isEqualTo(50);
    }

    @Test
    void a_budget_too_small_to_reserve_connections_for_passes_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new HostBudget(20, 50, 3))
                .withMessage("POSTBUS_FETCHER_CONNECTIONS_PER_HOST must be at least 4, not 3: "
                        + "a quarter of the connections is reserved for sync passes");
        assertThat(new HostBudget(20, 50, 4)).isNotNull();
    }

    @Test
    void watchers_leave_a_quarter_of_the_connections_to_passes() throws Exception {
        List<HostBudget.Permit> watchers = new ArrayList<>();
        Optional<HostBudget.Permit> next = budget.watcherPermit(A, "host");
        while (next.isPresent()) {
            watchers.add(next.get());
            next = budget.watcherPermit(A, "host");
        }
        assertThat(watchers).hasSize(6);
        budget.connectionPermit(A, "host");
        budget.connectionPermit(A, "host");
        assertThat(budget.isContended("host")).isFalse();

        AtomicBoolean got = new AtomicBoolean();
        Thread.ofVirtual().start(() -> {
            try {
                budget.connectionPermit(A, "host");
                got.set(true);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        await().until(() -> budget.isContended("host"));
        assertThat(got).isFalse();
        watchers.getFirst().close();
        watchers.getFirst().close();

        await().untilTrue(got);
        assertThat(budget.watcherPermit(A, "host")).isEmpty();
        assertThat(budget.watcherPermit(A, "another")).isPresent();
    }

    @Test
    void a_login_waits_neither_for_1500_of_another_tenant_nor_for_new_accounts_of_its_own() throws Exception {
        HostBudget narrow = new HostBudget(4, 40, 8);
        List<String> loggedIn = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 1500; i++) {
            threads.add(logIn(narrow, NEW_OF_A, "new", loggedIn));
        }
        await().until(() -> loggedIn.size() >= 30);
        threads.add(logIn(narrow, A, "in sync", loggedIn));
        threads.add(logIn(narrow, B, "other tenant", loggedIn));
        int before = loggedIn.size();
        await().until(() -> loggedIn.contains("in sync") && loggedIn.contains("other tenant"));

        assertThat(loggedIn.indexOf("other tenant") - before).isLessThan(10);
        assertThat(loggedIn.indexOf("in sync") - before).isLessThan(10);
        threads.forEach(Thread::interrupt);
    }

    private static Thread logIn(HostBudget budget, HostBudget.Who who, String name, List<String> loggedIn) {
        return Thread.ofVirtual().start(() -> {
            try {
                budget.login(who, "host", () -> loggedIn.add(name));
            } catch (InterruptedException over) {
                Thread.currentThread().interrupt();
            }
        });
    }
}
