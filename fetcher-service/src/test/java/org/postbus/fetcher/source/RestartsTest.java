package org.postbus.fetcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class RestartsTest {
    private static final RandomGenerator SHORTEST_PAUSES = () -> 0;

    private final AtomicInteger runs = new AtomicInteger();
    private final AtomicInteger deaths = new AtomicInteger();

    @Test
    void a_loop_that_dies_by_an_exception_or_an_error_begins_anew() {
        new Restarts(
                        "a loop",
                        () -> {
                            switch (runs.incrementAndGet()) {
                                case 1 -> throw new IllegalStateException("a bug");
                                case 2 -> throw new StackOverflowError();
                                default -> assertThat(deaths).hasValue(2);
                            }
                        },
                        deaths::incrementAndGet,
                        SHORTEST_PAUSES)
                .run();

        assertThat(runs).hasValue(3);
    }

    @Test
    void an_interrupt_ends_the_pause() throws Exception {
        Thread thread = Thread.ofVirtual()
                .start(new Restarts(
                        "a loop",
                        () -> {
                            throw new IllegalStateException("a bug");
                        },
                        () -> {
                            deaths.incrementAndGet();
                            Thread.currentThread().interrupt();
                        },
                        SHORTEST_PAUSES));

        assertThat(thread.join(Duration.ofSeconds(10))).isTrue();
        assertThat(deaths).hasValue(1);
    }
}
