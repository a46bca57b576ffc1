package org.postbus.fetcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.postbus.fetcher.source.QuarantinePolicy.Cause;
import org.postbus.observation.ReadFailures;

class QuarantinePolicyTest {
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final Cause ALONE = new Cause.Refused(true);

    private static ReadFailures failing(Cause cause, int times, Duration every) {
        ReadFailures failures = QuarantinePolicy.failed(Optional.empty(), cause, NOON);
        for (int i = 1; i < times; i++) {
            failures = QuarantinePolicy.failed(Optional.of(failures), cause, NOON.plus(every.multipliedBy(i)));
        }
        return failures;
    }

    @Test
    void five_refusals_over_twenty_minutes_quarantine() {
        assertThat(failing(ALONE, 5, Duration.ofMinutes(5)).quarantined()).isTrue();
        assertThat(failing(ALONE, 4, Duration.ofMinutes(10)).quarantined()).isFalse();
        assertThat(failing(ALONE, 50, Duration.ofSeconds(24)).quarantined()).isFalse();
        assertThat(failing(ALONE, 51, Duration.ofSeconds(24)).quarantined()).isTrue();
    }

    @Test
    void refusals_while_nothing_else_is_returned_do_not_count() {
        ReadFailures failures = failing(new Cause.Refused(false), 500, Duration.ofMinutes(2));

        assertThat(failures.quarantined()).isFalse();
        assertThat(failures.refusals()).isZero();
    }

    @Test
    void a_deferred_message_is_tried_after_as_long_as_it_has_been_failing_within_limits() {
        assertThat(failing(ALONE, 1, Duration.ZERO).nextTryAt()).isEqualTo(NOON.plusSeconds(15));
        assertThat(failing(ALONE, 2, Duration.ofSeconds(40)).nextTryAt()).isEqualTo(NOON.plusSeconds(80));
        assertThat(failing(ALONE, 2, Duration.ofMinutes(10)).nextTryAt()).isEqualTo(NOON.plusSeconds(720));
        assertThat(failing(new Cause.Breaking(true), 1, Duration.ZERO).nextTryAt())
                .isEqualTo(NOON.plusSeconds(60));
    }

    @Test
    void what_was_no_try_of_a_quarantined_message_uses_up_no_interval() {
        ReadFailures failures = failing(ALONE, 5, Duration.ofMinutes(5));

        ReadFailures after = QuarantinePolicy.failed(
                Optional.of(failures), new Cause.Refused(false), NOON.plus(Duration.ofHours(2)));

        assertThat(after.quarantined()).isTrue();
        assertThat(after.retries()).isEqualTo(failures.retries());
        assertThat(after.nextTryAt()).isEqualTo(NOON.plus(Duration.ofMinutes(122)));
    }

    @Test
    void a_server_that_ends_every_connection_quarantines_nothing() {
        assertThat(failing(new Cause.Breaking(false), 50, Duration.ofMinutes(5)).quarantined())
                .isFalse();
    }

    @Test
    void a_quarantined_message_is_tried_after_one_hour_then_six_then_daily() {
        ReadFailures failures = failing(ALONE, 5, Duration.ofMinutes(5));
        Instant now = NOON.plus(Duration.ofMinutes(20));
        assertThat(failures.nextTryAt()).isEqualTo(now.plus(Duration.ofHours(1)));
        for (long hours : new long[] {6, 24, 24}) {
            now = failures.nextTryAt();
            failures = QuarantinePolicy.failed(Optional.of(failures), ALONE, now);
            assertThat(failures.quarantined()).isTrue();
            assertThat(failures.nextTryAt()).isEqualTo(now.plus(Duration.ofHours(hours)));
        }
    }

    @Test
    void an_error_of_our_own_quarantines_at_once_and_is_no_refusal_of_the_server() {
        ReadFailures failures = failing(new Cause.OwnError(), 1, Duration.ZERO);

        assertThat(failures.quarantined()).isTrue();
        assertThat(failures.refusals()).isZero();
        assertThat(failures.nextTryAt()).isEqualTo(NOON.plus(Duration.ofHours(1)));
    }
}
