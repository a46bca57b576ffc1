package org.postbus.fetcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BackoffTest {
    private static final double LUCKIEST = 0;
    private static final double UNLUCKIEST = Math.nextDown(1.0);

    @Test
    void the_ceiling_doubles_from_5_to_300_seconds() {
        int[] ceilings = {5, 10, 20, 40, 80, 160, 300, 300, 300};
        for (int failures = 1; failures <= ceilings.length; failures++) {
            Duration delay = Backoff.delay(failures, Optional.empty(), UNLUCKIEST);
            assertThat(delay)
                    .as("after %d failures", failures)
                    .isBetween(
                            Duration.ofMillis(ceilings[failures - 1] * 1000L - 2),
                            Duration.ofSeconds(ceilings[failures - 1]));
        }
    }

    @Test
    void the_delay_is_at_least_a_second() {
        assertThat(Backoff.delay(1, Optional.empty(), LUCKIEST)).isEqualTo(Backoff.FLOOR);
        assertThat(Backoff.delay(1000, Optional.empty(), LUCKIEST)).isEqualTo(Backoff.FLOOR);
    }

    @Test
    void the_delay_is_never_shorter_than_the_servers_hint() {
        long seed = 11;
        Random random = new Random(seed);
        for (int i = 0; i < 1000; i++) {
            Duration hint = Duration.ofMillis(random.nextInt(600_000));
            assertThat(Backoff.delay(1 + random.nextInt(20), Optional.of(hint), random.nextDouble()))
                    .as("seed %d, round %d", seed, i)
                    .isGreaterThanOrEqualTo(hint);
        }
    }

    @Test
    void an_excessive_hint_is_cut() {
        assertThat(Backoff.delay(1, Optional.of(Duration.ofDays(400)), LUCKIEST))
                .isEqualTo(Backoff.HINT_MAX);
    }
}
