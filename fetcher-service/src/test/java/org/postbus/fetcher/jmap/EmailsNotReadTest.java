package org.postbus.fetcher.jmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.postbus.fetcher.source.QuarantinePolicy;
import org.postbus.fetcher.source.QuarantinePolicy.Cause;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

class EmailsNotReadTest {
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    private static final Cause ALONE = new Cause.Refused(true);

    @Test
    void a_server_cannot_fill_memory_with_emails_that_it_lists_and_does_not_return() {
        EmailsNotRead notRead = new EmailsNotRead(Map.of());
        for (int i = 0; i < QuarantinePolicy.NOT_READ_MAX; i++) {
            notRead.failed("e" + i, ALONE, NOW);
        }

        assertThatThrownBy(() -> notRead.failed("one more", ALONE, NOW))
                .isInstanceOfSatisfying(
                        ServerException.class,
                        e -> assertThat(e.failure()).isInstanceOf(ServerFailure.LimitExceeded.class));

        assertThat(notRead.failed("e0", ALONE, NOW).refusals()).isEqualTo(2);
        notRead.remove(List.of("e1"));
        assertThat(notRead.failed("one more", ALONE, NOW).refusals()).isEqualTo(1);
    }
}
