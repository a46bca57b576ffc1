package org.postbus.fetcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.postbus.account.LimitsExceeded;

class LimitPolicyTest {
    @Test
    void the_third_time_in_a_row_begins_a_rest_that_doubles_up_to_a_day() {
        List<Optional<Duration>> rests = new ArrayList<>();
        LimitPolicy policy = LimitPolicy.NONE;
        for (int i = 0; i < 9; i++) {
            policy = policy.exceeded();
            rests.add(policy.rest());
        }

        assertThat(rests.subList(0, 2)).containsOnly(Optional.empty());
        assertThat(rests.subList(2, 9).stream().map(rest -> rest.orElseThrow().toHours()))
                .containsExactly(1L, 2L, 4L, 8L, 16L, 24L, 24L);
        for (int i = 0; i < 1000; i++) {
            policy = policy.exceeded();
        }
        assertThat(policy.rest()).contains(Duration.ofHours(24));
    }

    @Test
    void what_is_stored_counts_for_the_same_revision_of_the_account_only() {
        LimitPolicy third = LimitPolicy.NONE.exceeded().exceeded().exceeded();
        Optional<LimitsExceeded> stored = third.stored(7);

        assertThat(LimitPolicy.of(stored, 7)).isEqualTo(third);
        assertThat(LimitPolicy.of(stored, 8)).isEqualTo(LimitPolicy.NONE);
        assertThat(LimitPolicy.of(Optional.empty(), 7)).isEqualTo(LimitPolicy.NONE);
        assertThat(LimitPolicy.NONE.stored(7)).isEmpty();
    }

    @Test
    void the_advice_says_how_long_and_what_ends_it() {
        LimitPolicy fourth = LimitPolicy.NONE.exceeded().exceeded().exceeded().exceeded();

        assertThat(fourth.advice(fourth.rest().orElseThrow()))
                .contains("4 times in a row", "rests for 2 h", "a sync request or a change of the account");
    }
}
