package org.postbus.kit.concurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postbus.kit.concurrent.FairPermits.Urgency;

class FairPermitsTest {
    private static final int MANY = 1500;

    private final List<Thread> threads = new ArrayList<>();
    private final List<String> served = Collections.synchronizedList(new ArrayList<>());

    @Test
    void one_request_waits_for_one_of_an_owner_with_1500() throws Exception {
        FairPermits<String> permits = new FairPermits<>(1);
        FairPermits<String>.Permit held = permits.acquire("a");
        for (int i = 0; i < MANY; i++) {
            waitFor(permits, "a", Urgency.FIRST, 1);
        }
        waitFor(permits, "b", Urgency.FIRST, 1);
        held.close();
        joinAll();

        assertThat(served).hasSize(MANY + 1);
        assertThat(served.indexOf("b")).isLessThanOrEqualTo(1);
    }

    @Test
    void an_owner_that_holds_all_it_may_leaves_a_share_to_others() throws Exception {
        FairPermits<String> permits = new FairPermits<>(20);
        for (int i = 0; i < 15; i++) {
            assertThat(permits.tryAcquire("a")).isPresent();
        }
        assertThat(permits.tryAcquire("a")).isEmpty();
        waitFor(permits, "a", Urgency.FIRST, 1);
        for (int i = 0; i < 5; i++) {
            assertThat(permits.tryAcquire("b", Duration.ofSeconds(10))).isPresent();
        }
        assertThat(permits.tryAcquire("c")).isEmpty();
        assertThat(permits.held()).isEqualTo(20);
        threads.forEach(Thread::interrupt);
        joinAll();
    }

    @Test
    void urgent_requests_of_an_owner_come_before_its_others_but_not_before_other_owners() throws Exception {
        FairPermits<String> permits = new FairPermits<>(1);
        FairPermits<String>.Permit held = permits.acquire("a");
        for (int i = 0; i < 5; i++) {
            waitFor(permits, "a", Urgency.LATER, 1);
        }
        waitFor(permits, "b", Urgency.LATER, 1);
        waitFor(permits, "a", Urgency.FIRST, 1, "a urgent");
        held.close();
        joinAll();

        assertThat(served).startsWith("a urgent", "b").hasSize(7);
    }

    @Test
    void owners_get_the_same_amount_whatever_the_size_of_their_requests() throws Exception {
        // Neither a large request beside a small one nor two small ones of one owner fit: they are served one at a
        // time, so their order is
        // the order of the turns.
        FairPermits<String> permits = new FairPermits<>(40);
        FairPermits<String>.Permit held = permits.acquire("other", Urgency.FIRST, 40);
        for (int i = 0; i < 40; i++) {
            waitFor(permits, "large", Urgency.FIRST, 40);
        }
        for (int i = 0; i < 80; i++) {
            waitFor(permits, "small", Urgency.FIRST, 20);
        }
        held.close();
        joinAll();

        // 20 large requests are as much as 40 small ones.
        List<String> half = served.subList(0, 60);
        assertThat(Collections.frequency(half, "large")).isBetween(19, 21);
    }

    @Test
    void a_large_request_is_not_passed_by_small_ones_for_ever() throws Exception {
        FairPermits<String> permits = new FairPermits<>(10);
        FairPermits<String>.Permit first = permits.acquire("small");
        waitFor(permits, "large", Urgency.FIRST, 10);
        for (int i = 0; i < 50; i++) {
            waitFor(permits, "small", Urgency.FIRST, 1);
        }
        first.close();
        joinAll();

        assertThat(served.indexOf("large")).isLessThanOrEqualTo(10);
    }

    @Test
    void whoever_gives_up_leaves_nothing_behind() throws Exception {
        FairPermits<String> permits = new FairPermits<>(1);
        FairPermits<String>.Permit held = permits.acquire("a");
        assertThat(permits.tryAcquire("b", Duration.ofMillis(20))).isEmpty();
        waitFor(permits, "c", Urgency.FIRST, 1);
        threads.getFirst().interrupt();
        joinAll();
        assertThat(permits.isContended()).isFalse();
        held.close();
        held.close();
        assertThat(permits.held()).isZero();
        assertThat(permits.tryAcquire("d")).isPresent();
    }

    static LongStream seeds() {
        return LongStream.rangeClosed(1, 20);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void no_owner_waits_for_more_than_one_round_and_no_permit_is_lost(long seed) throws Exception {
        Random random = new Random(seed);
        int size = 1 + random.nextInt(12);
        FairPermits<Integer> permits = new FairPermits<>(size);
        int ownerMax = size == 1 ? 1 : size - Math.max(1, size / 4);
        int owners = 2 + random.nextInt(6);
        Map<Integer, AtomicInteger> holding = new ConcurrentHashMap<>();
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        Map<Integer, Integer> requests = new HashMap<>();
        // All permits are held while the queues fill.
        List<FairPermits<Integer>.Permit> all = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            all.add(permits.acquire(-1 - i));
        }
        for (int owner = 0; owner < owners; owner++) {
            holding.put(owner, new AtomicInteger());
            requests.put(owner, 1 + random.nextInt(60));
            for (int i = 0; i < requests.get(owner); i++) {
                int key = owner;
                boolean givesUp = random.nextInt(10) == 0;
                int micros = random.nextInt(500);
                threads.add(Thread.ofVirtual().start(() -> {
                    try {
                        Optional<FairPermits<Integer>.Permit> permit = givesUp
                                ? permits.tryAcquire(key, Duration.ofNanos(micros * 1000L))
                                : Optional.of(permits.acquire(key));
                        if (permit.isPresent()) {
                            try (FairPermits<Integer>.Permit held = permit.get()) {
                                order.add(key);
                                assertThat(holding.get(key).incrementAndGet()).isLessThanOrEqualTo(ownerMax);
                                Thread.sleep(Duration.ofNanos(micros * 1000L));
                                holding.get(key).decrementAndGet();
                            }
                        }
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }));
            }
        }
        await().until(() -> threads.stream().allMatch(thread -> thread.getState() != Thread.State.RUNNABLE));
        all.forEach(FairPermits.Permit::close);
        joinAll();

        assertThat(permits.held()).isZero();
        assertThat(permits.isContended()).isFalse();
        assertThat(order.size()).isGreaterThan(0);
        // Among the first, every owner that waits is served once a round, give or take those that run at the same time.
        int inTurn =
                requests.values().stream().mapToInt(Integer::intValue).min().orElseThrow();
        if (size == 1) {
            for (int round = 0; round + 1 < inTurn / 2; round++) {
                assertThat(order.subList(round * owners, (round + 1) * owners)).doesNotHaveDuplicates();
            }
        }
    }

    private void waitFor(FairPermits<String> permits, String owner, Urgency urgency, int amount) {
        waitFor(permits, owner, urgency, amount, owner);
    }

    private void waitFor(FairPermits<String> permits, String owner, Urgency urgency, int amount, String name) {
        Thread thread = Thread.ofVirtual().start(() -> {
            try (FairPermits<String>.Permit permit = permits.acquire(owner, urgency, amount)) {
                served.add(name);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        threads.add(thread);
        await().pollInterval(Duration.ofNanos(100_000))
                .until(() -> thread.getState() != Thread.State.RUNNABLE && thread.getState() != Thread.State.NEW);
    }

    private void joinAll() throws InterruptedException {
        for (Thread thread : threads) {
            assertThat(thread.join(Duration.ofSeconds(30))).isTrue();
        }
    }
}
