package org.postbus.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class AttemptBucketTest {
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    @Test
    void the_burst_is_allowed_and_then_one_attempt_in_six_seconds() {
        AttemptBucket bucket = AttemptBucket.full(NOON);
        for (int i = 0; i < AttemptBucket.BURST; i++) {
            assertThat(bucket.waitBeforeNext(NOON)).isEmpty();
            bucket = bucket.take(NOON);
        }

        assertThat(bucket.waitBeforeNext(NOON)).contains(Duration.ofSeconds(6));
        assertThat(bucket.waitBeforeNext(NOON.plusSeconds(5))).isPresent();
        assertThat(bucket.waitBeforeNext(NOON.plusSeconds(6))).isEmpty();
        assertThat(bucket.take(NOON.plusSeconds(6)).waitBeforeNext(NOON.plusSeconds(6)))
                .isPresent();
    }

    @Test
    void pauses_are_not_saved_beyond_the_burst_and_a_clock_that_goes_back_does_no_harm() {
        AttemptBucket bucket = AttemptBucket.full(NOON);
        Instant later = NOON.plus(Duration.ofDays(1));
        for (int i = 0; i < AttemptBucket.BURST; i++) {
            bucket = bucket.take(later);
        }

        assertThat(bucket.waitBeforeNext(later)).isPresent();
        assertThat(bucket.waitBeforeNext(NOON)).contains(Duration.ofSeconds(6));
    }
}
