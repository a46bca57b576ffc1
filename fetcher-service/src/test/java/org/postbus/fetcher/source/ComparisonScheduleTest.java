package org.postbus.fetcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.postbus.model.AccountId;
import org.postbus.observation.MailboxKey;

class ComparisonScheduleTest {
    private static final Duration DAY = Duration.ofDays(1);
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    @Test
    void every_mailbox_is_due_once_a_day_however_often_it_is_checked_and_all_at_different_times() {
        Random random = new Random(1);
        List<Integer> perHour = new ArrayList<>(Collections.nCopies(24, 0));
        for (int i = 0; i < 1000; i++) {
            AccountId account = new AccountId(new UUID(random.nextLong(), random.nextLong()));
            MailboxKey mailbox = MailboxKey.of("name:mailbox" + i % 7);
            int times = 0;
            Instant at = NOW;
            while (at.isBefore(NOW.plus(DAY))) {
                Instant before = at;
                at = at.plusSeconds(1 + random.nextInt(3600));
                at = at.isAfter(NOW.plus(DAY)) ? NOW.plus(DAY) : at;
                if (ComparisonSchedule.isDue(account, mailbox, before, at, DAY)) {
                    times++;
                    int hour = (int) Duration.between(NOW, at).minusSeconds(1).toHours();
                    perHour.set(hour, perHour.get(hour) + 1);
                }
            }
            assertThat(times).as("mailbox %d", i).isEqualTo(1);
        }
        assertThat(perHour).allMatch(count -> count > 10 && count < 100);
    }
}
