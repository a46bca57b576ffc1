package org.postbus.fetcher.jmap;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ReconciliationScheduleTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    @Test
    void a_state_that_was_lost_once_costs_one_comparison_and_one_retry_at_once() {
        assertThat(ReconciliationSchedule.NONE.isDue(NOW)).isTrue();
        assertThat(ReconciliationSchedule.NONE.reconciled(NOW).isDue(NOW)).isTrue();
        assertThat(ReconciliationSchedule.NONE.reconciled(NOW).isWorthATry()).isTrue();
    }

    @Test
    void a_server_that_never_knows_its_state_is_compared_at_growing_intervals_up_to_an_hour() {
        Instant now = NOW;
        ReconciliationSchedule schedule =
                ReconciliationSchedule.NONE.reconciled(now).reconciled(now);
        assertThat(schedule.isWorthATry()).isFalse();
        assertThat(schedule.isDue(now.plusSeconds(59))).isFalse();
        Duration last = Duration.ZERO;
        for (int i = 0; i < 20; i++) {
            Duration interval = Duration.between(now, schedule.notBefore());
            assertThat(interval).isGreaterThanOrEqualTo(last).isBetween(Duration.ofMinutes(1), Duration.ofHours(1));
            last = interval;
            now = schedule.notBefore();
            assertThat(schedule.isDue(now)).isTrue();
            schedule = schedule.reconciled(now);
        }
        assertThat(last).isEqualTo(Duration.ofHours(1));
    }
}
