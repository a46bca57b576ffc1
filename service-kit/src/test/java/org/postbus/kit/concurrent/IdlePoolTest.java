package org.postbus.kit.concurrent;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.kit.concurrent.IdlePool.Limits;

class IdlePoolTest {
    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration SOON = Duration.ofSeconds(30);

    private final Vertx vertx = Vertx.vertx();
    private final List<String> broken = new CopyOnWriteArrayList<>();
    private final List<String> retired = new CopyOnWriteArrayList<>();
    private final List<String> closed = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private IdlePool<String, String> pool(Duration idleMax, int perKeyMax, int totalMax) {
        return new IdlePool<>(
                vertx,
                new Limits(idleMax, perKeyMax, totalMax),
                value -> !broken.contains(value),
                retired::add,
                closed::add);
    }

    @Test
    void the_value_that_was_used_last_is_taken_first_and_each_only_once() {
        IdlePool<String, String> pool = pool(LONG, 2, 10);
        pool.giveBack("a", 1, "a1");
        pool.giveBack("a", 1, "a2");
        pool.giveBack("b", 1, "b1");

        assertThat(pool.size()).isEqualTo(3);
        assertThat(pool.take("a", 1)).contains("a2");
        assertThat(pool.take("a", 1)).contains("a1");
        assertThat(pool.take("a", 1)).isEmpty();
        assertThat(pool.take("c", 1)).isEmpty();
        assertThat(pool.size()).isEqualTo(1);
        assertThat(retired).isEmpty();
        assertThat(closed).isEmpty();
    }

    @Test
    void a_value_of_another_revision_or_that_broke_is_closed_instead_of_taken() {
        IdlePool<String, String> pool = pool(LONG, 3, 10);
        pool.giveBack("a", 2, "good");
        pool.giveBack("a", 1, "old");
        pool.giveBack("a", 2, "broke while idle");
        broken.addAll(List.of("broke while idle", "broke in use"));
        pool.giveBack("a", 2, "broke in use");

        assertThat(pool.take("a", 2)).contains("good");
        assertThat(closed).containsExactly("broke in use", "broke while idle", "old");
        assertThat(pool.size()).isZero();
    }

    @Test
    void beyond_the_limits_the_value_that_was_idle_longest_is_evicted() {
        IdlePool<String, String> pool = pool(LONG, 2, 3);
        pool.giveBack("a", 1, "a1");
        pool.giveBack("a", 1, "a2");
        pool.giveBack("a", 1, "a3");
        assertThat(retired).containsExactly("a1");

        pool.giveBack("b", 1, "b1");
        pool.giveBack("c", 1, "c1");
        assertThat(retired).containsExactly("a1", "a2");
        assertThat(pool.size()).isEqualTo(3);
    }

    @Test
    void a_value_that_is_not_taken_is_retired_after_the_idle_time() {
        IdlePool<String, String> pool = pool(Duration.ofMillis(20), 2, 3);
        pool.giveBack("a", 1, "a1");

        Awaitility.await().atMost(SOON).until(() -> retired.contains("a1"));

        assertThat(pool.size()).isZero();
        assertThat(closed).isEmpty();
    }

    @Test
    void a_value_that_ended_by_itself_is_forgotten() {
        IdlePool<String, String> pool = pool(LONG, 2, 3);
        String value = "a1";
        pool.giveBack("a", 1, value);

        pool.forget("b", value);
        assertThat(pool.size()).isEqualTo(1);
        pool.forget("a", value);

        assertThat(pool.size()).isZero();
        assertThat(closed).isEmpty();
        assertThat(retired).isEmpty();
    }

    @Test
    void closing_closes_what_is_idle_and_what_is_given_back_later() {
        IdlePool<String, String> pool = pool(LONG, 2, 3);
        pool.giveBack("a", 1, "idle");

        pool.close();
        pool.giveBack("a", 1, "in use");

        assertThat(closed).containsExactly("idle", "in use");
        assertThat(pool.take("a", 1)).isEmpty();
    }
}
