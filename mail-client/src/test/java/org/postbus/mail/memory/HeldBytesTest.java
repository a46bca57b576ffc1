package org.postbus.mail.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class HeldBytesTest {
    private static final long MAX = 1 << 20;

    private final HeldBytes held = new HeldBytes(MAX);
    private final List<String> ended = new ArrayList<>();

    private HeldBytes.Holder holder(String name) {
        return held.holder(why -> ended.add(name));
    }

    @Test
    void the_largest_is_ended_whoever_asks_for_more() {
        HeldBytes.Holder small = holder("small");
        HeldBytes.Holder large = holder("large");
        HeldBytes.Holder other = holder("other");
        small.add(60_000);
        large.add(700_000);
        other.add(200_000);
        assertThat(ended).isEmpty();

        other.add(200_000);

        assertThat(ended).containsExactly("large");
        assertThat(held.held()).isEqualTo(460_000);
        assertThat(held.ended()).isOne();
    }

    @Test
    void small_holders_are_never_ended() {
        for (int i = 0; i < 100; i++) {
            holder("small " + i).add(HeldBytes.SMALL_BYTES - 1);
        }

        assertThat(ended).isEmpty();
        assertThat(held.held()).isGreaterThan(MAX);
    }

    @Test
    void what_was_ended_or_closed_counts_nothing_more() {
        HeldBytes.Holder large = holder("large");
        HeldBytes.Share share = large.share();
        share.set(2 * MAX);
        assertThat(ended).containsExactly("large");
        assertThat(held.held()).isZero();

        share.set(5);
        large.add(5);
        share.close();
        large.close();
        HeldBytes.Holder closed = holder("closed");
        closed.add(100);
        closed.close();
        closed.add(-100);

        assertThat(held.held()).isZero();
        assertThat(held.ended()).isOne();
    }

    @Test
    void shares_of_a_holder_add_up() {
        HeldBytes.Holder holder = holder("one");
        HeldBytes.Share first = holder.share();
        HeldBytes.Share second = holder.share();
        first.set(600_000);
        second.add(100_000);
        second.add(50_000);
        assertThat(holder.bytes()).isEqualTo(750_000);
        assertThat(held.isTight()).isTrue();

        first.close();
        assertThat(held.held()).isEqualTo(150_000);
        assertThat(held.isTight()).isFalse();

        second.set(MAX + 1);
        assertThat(ended).containsExactly("one");
    }

    @Test
    void many_threads_never_hold_more_than_the_limit_for_long_and_the_count_ends_at_zero() throws Exception {
        long max = 200_000;
        HeldBytes held = new HeldBytes(max);
        AtomicLong most = new AtomicLong();
        int threads = 8;
        CountDownLatch done = new CountDownLatch(threads);
        for (int thread = 0; thread < threads; thread++) {
            Random random = new Random(thread);
            Thread.ofVirtual().start(() -> {
                for (int i = 0; i < 2000; i++) {
                    try (HeldBytes.Holder holder = held.holder(why -> {})) {
                        for (int j = 0; j < 10; j++) {
                            holder.add(random.nextInt(60_000));
                            most.accumulateAndGet(held.held(), Math::max);
                        }
                    }
                }
                done.countDown();
            });
        }
        done.await();

        assertThat(held.held()).isZero();
        assertThat(most.get()).isLessThanOrEqualTo(max + threads * HeldBytes.SMALL_BYTES + threads * 60_000);
        assertThat(held.ended()).isPositive();
    }

    @Test
    void a_limit_below_what_is_never_ended_is_refused() {
        assertThatThrownBy(() -> new HeldBytes(1)).isInstanceOf(IllegalArgumentException.class);
    }
}
