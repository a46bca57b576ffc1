package org.postbus.fetcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class SessionsTest {
    private static final Sessions AN_HOUR = Sessions.ofSetting(Duration.ofHours(1), reason -> {});

    @Test
    void sessions_that_began_together_end_apart_and_none_lasts_longer_than_the_setting() {
        assertThat(AN_HOUR.lifetime(false, 0)).isEqualTo(Duration.ofHours(1));
        assertThat(AN_HOUR.lifetime(false, 0.5))
                .isEqualTo(Duration.ofMinutes(60 - 7).minusSeconds(30));
        assertThat(AN_HOUR.lifetime(false, 0.999_999)).isGreaterThanOrEqualTo(Duration.ofMinutes(45));
    }

    @Test
    void where_a_session_was_outdated_the_next_ones_are_short() {
        assertThat(AN_HOUR.lifetime(true, 0)).isEqualTo(Duration.ofMinutes(5));
        assertThat(new Sessions(Duration.ofMinutes(2), Duration.ZERO, reason -> {}).lifetime(true, 0))
                .isEqualTo(Duration.ofMinutes(2));
    }

    @Test
    void the_setting_has_limits() {
        for (Duration wrong : new Duration[] {Duration.ZERO, Duration.ofSeconds(59), Duration.ofHours(25)}) {
            assertThatThrownBy(() -> Sessions.ofSetting(wrong, reason -> {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("POSTBUS_FETCHER_SESSION_MAX");
        }
    }
}
