package org.postbus.kit.concurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.MultiEmitter;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class BoundedPullTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    /** So many items, of the least size that counts. */
    private static ReadAhead<Integer> items(int count) {
        return ReadAhead.ofBytes(count * ReadAhead.ITEM_BYTES_MIN, item -> 1);
    }

    @Test
    void hands_out_every_item_in_order_and_then_the_end() throws Exception {
        try (BoundedPull<Integer> pull = BoundedPull.of(Multi.createFrom().range(0, 1000), items(7))) {
            List<Integer> items = new ArrayList<>();
            for (Optional<Integer> next = pull.next(); next.isPresent(); next = pull.next()) {
                items.add(next.get());
            }

            assertThat(items).hasSize(1000).isSorted();
            assertThat(pull.next()).isEmpty();
        }
    }

    @Test
    void requests_no_more_than_what_may_wait() throws Exception {
        AtomicLong requested = new AtomicLong();
        Multi<Integer> source = Multi.createFrom().range(0, 1000).onRequest().invoke(requested::addAndGet);

        try (BoundedPull<Integer> pull = BoundedPull.of(source, items(8))) {
            assertThat(requested.get()).isEqualTo(8);
            for (int taken = 1; taken <= 100; taken++) {
                pull.next();
                assertThat(requested.get()).isLessThanOrEqualTo(taken + 8);
            }
        }
    }

    @Test
    void what_waits_is_limited_in_bytes_and_counted() throws Exception {
        AtomicLong requested = new AtomicLong();
        AtomicLong waiting = new AtomicLong();
        AtomicBoolean tight = new AtomicBoolean();
        Multi<Integer> source = Multi.createFrom().range(0, 1000).onRequest().invoke(requested::addAndGet);
        ReadAhead<Integer> ahead = ReadAhead.<Integer>ofBytes(10_000, item -> item < 100 ? 1000 : 60_000)
                .counted(waiting::set, tight::get);

        BoundedPull<Integer> pull = BoundedPull.of(source, ahead);
        assertThat(requested.get()).isEqualTo(10);
        assertThat(waiting.get()).isEqualTo(10_000);
        long most = 0;
        for (int taken = 0; taken < 200; taken++) {
            assertThat(pull.next()).contains(taken);
            most = Math.max(most, waiting.get());
        }
        assertThat(most).as("what may wait, and one item").isLessThanOrEqualTo(69_000);

        tight.set(true);
        for (int taken = 200; taken < 210; taken++) {
            assertThat(pull.next()).contains(taken);
            assertThat(waiting.get()).as("nothing is read ahead").isLessThanOrEqualTo(60_000);
        }

        pull.close();
        assertThat(waiting.get()).isZero();
    }

    @Test
    void reports_a_failure_after_the_items_before_it() throws Exception {
        RuntimeException failure = new IllegalArgumentException("wrong");
        Multi<Integer> failing = Multi.createBy()
                .concatenating()
                .streams(Multi.createFrom().items(1, 2), Multi.createFrom().failure(failure));
        Multi<Integer> checked = Multi.createFrom().failure(new IOException("closed"));

        try (BoundedPull<Integer> pull = BoundedPull.of(failing, items(8))) {
            assertThat(pull.next()).contains(1);
            assertThat(pull.next()).contains(2);
            assertThatThrownBy(pull::next).isSameAs(failure);
        }
        try (BoundedPull<Integer> pull = BoundedPull.of(checked, items(8))) {
            assertThatThrownBy(pull::next)
                    .isInstanceOf(IllegalStateException.class)
                    .hasRootCauseInstanceOf(IOException.class);
        }
    }

    @Test
    void a_wait_may_be_limited_and_the_next_one_still_finds_the_item() throws Exception {
        AtomicReference<MultiEmitter<? super Integer>> emitter = new AtomicReference<>();

        try (BoundedPull<Integer> pull = BoundedPull.of(Multi.createFrom().<Integer>emitter(emitter::set), items(2))) {
            assertThatThrownBy(() -> pull.next(SHORT, waited -> new TimeoutException("nothing for " + waited)))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessage("nothing for PT0.02S");
            emitter.get().emit(1);
            assertThat(pull.next()).contains(1);
        }
    }

    @Test
    void closing_cancels_the_source_even_if_it_is_subscribed_to_later() throws Exception {
        AtomicBoolean cancelled = new AtomicBoolean();
        Multi<Integer> source =
                Multi.createFrom().<Integer>nothing().onCancellation().invoke(() -> cancelled.set(true));
        List<Runnable> later = new ArrayList<>();

        BoundedPull.of(source, items(2)).close();
        assertThat(cancelled).isTrue();

        cancelled.set(false);
        BoundedPull<Integer> unsubscribed = BoundedPull.of(source, items(2), later::add);
        unsubscribed.close();
        later.forEach(Runnable::run);
        assertThat(cancelled).isTrue();
        assertThat(unsubscribed.next()).isEmpty();
    }

    @Test
    void touches_the_source_only_on_the_given_context() throws Exception {
        List<String> threads = new ArrayList<>();
        try (ExecutorService context = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().name("context").factory())) {
            Multi<Integer> source = Multi.createFrom()
                    .range(0, 10)
                    .onSubscription()
                    .invoke(() -> threads.add(Thread.currentThread().getName()))
                    .onRequest()
                    .invoke(n -> threads.add(Thread.currentThread().getName()))
                    .onCancellation()
                    .invoke(() -> threads.add(Thread.currentThread().getName()));
            try (BoundedPull<Integer> pull = BoundedPull.of(source, items(2), context)) {
                pull.next();
                pull.next();
            }
        }
        assertThat(threads).hasSizeGreaterThan(2).containsOnly("context");
    }

    @Test
    void an_interruption_ends_the_wait() {
        BoundedPull<Integer> pull = BoundedPull.of(Multi.createFrom().nothing(), items(2));
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread reader = Thread.ofVirtual().start(() -> {
            try {
                pull.next();
            } catch (InterruptedException e) {
                thrown.set(e);
            }
        });

        reader.interrupt();

        Awaitility.await().until(() -> thrown.get() != null);
    }
}
