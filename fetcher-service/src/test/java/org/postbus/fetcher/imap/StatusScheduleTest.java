package org.postbus.fetcher.imap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StatusScheduleTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final Duration POLL = Duration.ofSeconds(30);

    private static Duration wait(Duration sinceChange, boolean hasRole) {
        return Duration.between(
                NOW, StatusSchedule.nextCheck(new StatusSchedule.Checked(NOW, NOW.minus(sinceChange), hasRole), POLL));
    }

    @Test
    void mailboxes_that_change_are_checked_every_minute_or_two_and_others_every_half_hour() {
        assertThat(wait(Duration.ZERO, false)).isEqualTo(Duration.ofMinutes(1));
        assertThat(wait(Duration.ofMinutes(8), false)).isEqualTo(Duration.ofMinutes(2));
        assertThat(wait(Duration.ofHours(1), false)).isEqualTo(Duration.ofMinutes(15));
        assertThat(wait(Duration.ofDays(1), false)).isEqualTo(Duration.ofMinutes(30));
        assertThat(wait(Duration.ofDays(1), true)).isEqualTo(Duration.ofMinutes(15));
    }

    /** Hours of passes, with mailboxes that change often, rarely or never. */
    @Test
    void no_pass_checks_more_mailboxes_than_the_limit_and_none_is_left_out() {
        for (int seed = 0; seed < 8; seed++) {
            Random random = new Random(seed);
            int count = 1 + random.nextInt(seed % 2 == 0 ? 30 : 300);
            Map<Integer, StatusSchedule.Checked> mailboxes = new HashMap<>();
            Map<Integer, Instant> dueSince = new HashMap<>();
            for (int i = 0; i < count; i++) {
                mailboxes.put(i, new StatusSchedule.Checked(NOW, Instant.EPOCH, random.nextInt(10) == 0));
            }
            int passesMax = (count + StatusSchedule.STATUS_MAX - 1) / StatusSchedule.STATUS_MAX;
            int busy = random.nextInt(count);
            for (Instant now = NOW; now.isBefore(NOW.plus(Duration.ofHours(3))); now = now.plus(POLL)) {
                List<Integer> due = StatusSchedule.due(mailboxes, now, POLL);

                assertThat(due).as("seed %d", seed).hasSizeLessThanOrEqualTo(StatusSchedule.STATUS_MAX);
                for (int i : due) {
                    boolean changed = i < busy ? random.nextInt(3) == 0 : random.nextInt(500) == 0;
                    StatusSchedule.Checked before = mailboxes.get(i);
                    mailboxes.put(
                            i, new StatusSchedule.Checked(now, changed ? now : before.changed(), before.hasRole()));
                    dueSince.remove(i);
                }
                Instant at = now;
                for (Map.Entry<Integer, StatusSchedule.Checked> mailbox : mailboxes.entrySet()) {
                    if (!StatusSchedule.nextCheck(mailbox.getValue(), POLL).isAfter(at)) {
                        Instant since = dueSince.computeIfAbsent(mailbox.getKey(), unused -> at);
                        if (Duration.between(since, at).compareTo(POLL.multipliedBy(passesMax)) > 0) {
                            fail("seed %d: mailbox %d of %d is left out", seed, mailbox.getKey(), count);
                        }
                    }
                }
            }
        }
    }
}
