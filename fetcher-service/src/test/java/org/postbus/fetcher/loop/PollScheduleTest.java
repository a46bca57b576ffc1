package org.postbus.fetcher.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.postbus.account.PushKind;

class PollScheduleTest {
    private static final Duration LONGEST = Duration.ofSeconds(30);

    @Test
    void polls_are_frequent_after_a_change_and_become_rare() {
        assertThat(IntStream.range(0, 6)
                        .mapToObj(quiet -> PollSchedule.wait(quiet, LONGEST).toSeconds()))
                .containsExactly(2L, 4L, 8L, 16L, 30L, 30L);
    }

    @Test
    void longest_wait_holds_for_ever() {
        assertThat(PollSchedule.wait(Integer.MAX_VALUE, LONGEST)).isEqualTo(LONGEST);
    }

    @Test
    void shorter_longest_wait_is_kept_from_the_start() {
        assertThat(PollSchedule.wait(0, Duration.ofMillis(200))).isEqualTo(Duration.ofMillis(200));
    }

    @Test
    void polls_are_at_most_5_minutes_apart_where_every_mailbox_is_pushed() {
        assertThat(PollSchedule.longest(PushKind.POLL, LONGEST)).isEqualTo(LONGEST);
        assertThat(PollSchedule.longest(PushKind.IDLE, LONGEST)).isEqualTo(LONGEST);
        assertThat(PollSchedule.longest(PushKind.NOTIFY, LONGEST)).isEqualTo(Duration.ofMinutes(5));
        assertThat(PollSchedule.longest(PushKind.NOTIFY, Duration.ofMinutes(2))).isEqualTo(Duration.ofMinutes(5));
        assertThat(PollSchedule.longest(PushKind.NOTIFY, Duration.ofMinutes(10)))
                .isEqualTo(Duration.ofMinutes(10));
    }
}
