package org.postbus.gateway.body;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.model.TenantId;

@Timeout(20)
class LargeBodiesTest {
    private static final TenantId BUSY = new TenantId(UUID.randomUUID());
    private static final TenantId OTHER = new TenantId(UUID.randomUUID());

    private final LargeBodies bodies = new LargeBodies(1);
    private final CountDownLatch free = new CountDownLatch(1);
    private final List<String> done = Collections.synchronizedList(new ArrayList<>());

    @Test
    void tenants_take_turns() {
        // Given
        CompletableFuture<Object> first = blocking();
        List<CompletableFuture<Boolean>> busy = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            busy.add(record(BUSY, "busy"));
        }
        CompletableFuture<Boolean> other = record(OTHER, "other");

        // When
        free.countDown();
        first.join();
        CompletableFuture.allOf(busy.toArray(CompletableFuture[]::new)).join();
        other.join();

        // Then
        assertThat(done).hasSize(21);
        assertThat(done.indexOf("other")).isLessThanOrEqualTo(1);
    }

    @Test
    void a_tenant_has_a_limited_number_of_bodies_that_wait() throws Exception {
        // Given
        CompletableFuture<Object> first = blocking();
        CompletableFuture<Boolean> last = null;
        for (int i = 0; i < LargeBodies.WAITING_PER_TENANT_MAX; i++) {
            last = record(BUSY, "busy");
        }

        // When
        ProblemException refused = catchThrowableOfType(
                ProblemException.class,
                () -> bodies.work(BUSY, () -> true).await().atMost(Duration.ofSeconds(5)));
        CompletableFuture<Boolean> other = record(OTHER, "other");
        free.countDown();

        // Then
        assertThat(refused.problem().status()).isEqualTo(429);
        assertThat(refused.retryAfter()).isPresent();
        assertThat(other.get(10, TimeUnit.SECONDS)).isTrue();
        assertThat(last.get(10, TimeUnit.SECONDS)).isTrue();
        first.join();
    }

    @Test
    void work_that_nobody_waits_for_is_left_out() {
        // Given
        CompletableFuture<Object> first = blocking();
        bodies.work(BUSY, () -> done.add("given up"))
                .subscribe()
                .with(ignored -> {})
                .cancel();
        CompletableFuture<Boolean> later = record(BUSY, "later");

        // When
        free.countDown();
        first.join();
        later.join();

        // Then
        assertThat(done).containsExactly("later");
    }

    @Test
    void a_failure_ends_no_thread() {
        for (int i = 0; i < 3; i++) {
            assertThat(catchThrowableOfType(
                            IllegalStateException.class,
                            () -> bodies.work(BUSY, () -> {
                                        throw new IllegalStateException("a bug");
                                    })
                                    .await()
                                    .atMost(Duration.ofSeconds(5))))
                    .hasMessage("a bug");
        }
        assertThat(record(BUSY, "works").join()).isTrue();
    }

    @Test
    void threads_follow_the_heap() {
        assertThat(LargeBodies.threads(64L << 20, 8)).isEqualTo(1);
        assertThat(LargeBodies.threads(1L << 30, 8)).isEqualTo(5);
        assertThat(LargeBodies.threads(16L << 30, 2)).isEqualTo(2);
    }

    private CompletableFuture<Object> blocking() {
        CountDownLatch started = new CountDownLatch(1);
        CompletableFuture<Object> result = bodies.<Object>work(BUSY, () -> {
                    started.countDown();
                    try {
                        return free.await(10, TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                })
                .subscribeAsCompletionStage();
        try {
            assertThat(started.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return result;
    }

    private CompletableFuture<Boolean> record(TenantId tenant, String name) {
        return bodies.work(tenant, () -> done.add(name)).subscribeAsCompletionStage();
    }
}
