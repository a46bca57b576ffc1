package org.postbus.gateway.rate;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class TokenBucketTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    private final TokenBucket bucket = new TokenBucket();

    @Test
    void a_burst_is_granted_and_then_the_rate() {
        for (int i = 0; i < 10; i++) {
            assertThat(bucket.take(2, 10, 0)).isEmpty();
        }
        assertThat(bucket.take(2, 10, 0)).contains(Duration.ofMillis(500));
        assertThat(bucket.take(2, 10, SECOND / 4)).contains(Duration.ofMillis(250));
        assertThat(bucket.take(2, 10, SECOND / 2)).isEmpty();
        assertThat(bucket.take(2, 10, SECOND / 2)).isPresent();
    }

    @Test
    void no_more_than_a_burst_is_saved_up() {
        for (int i = 0; i < 3; i++) {
            assertThat(bucket.take(1, 3, 0)).isEmpty();
        }
        for (int i = 0; i < 3; i++) {
            assertThat(bucket.take(1, 3, 1_000 * SECOND)).isEmpty();
        }
        assertThat(bucket.take(1, 3, 1_000 * SECOND)).isPresent();
    }

    @Test
    void a_rate_of_zero_grants_nothing() {
        assertThat(bucket.take(0, 0, 0)).contains(Duration.ofDays(1));
        assertThat(bucket.take(0, 0, 10 * SECOND)).isPresent();
    }

    @Test
    void what_is_given_back_can_be_taken_again() {
        for (int i = 0; i < 10; i++) {
            assertThat(bucket.take(1 / 6.0, 10, 0)).isEmpty();
        }
        assertThat(bucket.take(1 / 6.0, 10, 0)).contains(Duration.ofSeconds(6));
        bucket.giveBack(10);

        assertThat(bucket.take(1 / 6.0, 10, 0)).isEmpty();
        assertThat(bucket.take(1 / 6.0, 10, 5 * SECOND)).isPresent();
        assertThat(bucket.take(1 / 6.0, 10, 6 * SECOND + 1)).isEmpty();
    }

    @Test
    void no_more_than_a_burst_is_given_back() {
        assertThat(bucket.take(1, 2, 0)).isEmpty();
        for (int i = 0; i < 5; i++) {
            bucket.giveBack(2);
        }
        assertThat(bucket.take(1, 2, 0)).isEmpty();
        assertThat(bucket.take(1, 2, 0)).isEmpty();
        assertThat(bucket.take(1, 2, 0)).isPresent();
    }
}
