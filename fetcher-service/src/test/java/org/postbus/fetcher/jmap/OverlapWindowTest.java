package org.postbus.fetcher.jmap;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OverlapWindowTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    @Test
    void nothing_is_due_where_nothing_changed() {
        OverlapWindow window = OverlapWindow.from("a", START).advanced("a", START.plusSeconds(30));

        assertThat(window.due(START.plusSeconds(3600))).isEmpty();
    }

    @Test
    void once_changes_have_settled_the_query_is_repeated_from_before_them_and_only_once() {
        OverlapWindow window = OverlapWindow.from("a", START)
                .advanced("b", START.plusSeconds(1))
                .advanced("c", START.plusSeconds(2));

        assertThat(window.due(START.plusSeconds(11))).isEmpty();
        assertThat(window.due(START.plusSeconds(12))).contains("a");
        assertThat(window.queried(START.plusSeconds(12)).due(START.plusSeconds(999)))
                .isEmpty();
    }

    /** Whatever the order of changes: a change in progress for less than 10 s when a state was received is between a base and its window. */
    @Test
    void no_moment_is_left_out_and_few_states_are_held() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            List<Instant> got = new ArrayList<>(List.of(START));
            OverlapWindow window = OverlapWindow.from("0", START);
            int covered = 0;
            Instant now = START;
            for (int step = 0; step < 500; step++) {
                now = now.plusMillis(random.nextInt(random.nextInt(50) == 0 ? 30_000 : 400));
                if (window.due(now).isPresent()) {
                    int base = Integer.parseInt(window.due(now).get());
                    assertThat(base).as("seed %d", seed).isLessThanOrEqualTo(covered);
                    assertThat(got.get(base).plus(OverlapWindow.SETTLED)).isBefore(now);
                    window = window.queried(now);
                    covered = Integer.parseInt(window.base());
                    assertThat(covered == base
                                    || !got.get(covered)
                                            .plus(OverlapWindow.SETTLED)
                                            .isAfter(now))
                            .as("a base that is settled, seed %d", seed)
                            .isTrue();
                }
                if (random.nextInt(3) > 0) {
                    got.add(now);
                    window = window.advanced(Integer.toString(got.size() - 1), now);
                }
                assertThat(window.held().size()).isLessThan(2 + (int) OverlapWindow.AT_LATEST.toSeconds() + 31);
            }
            assertThat(window.due(now.plus(Duration.ofMinutes(2))).isPresent())
                    .isEqualTo(!window.base().equals(Integer.toString(got.size() - 1)));
        }
    }
}
