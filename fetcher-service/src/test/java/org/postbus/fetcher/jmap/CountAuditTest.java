package org.postbus.fetcher.jmap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.postbus.observation.MailboxKey;

class CountAuditTest {
    private static final Map<MailboxKey, Long> THREE_TOO_MANY = Map.of(MailboxKey.ofId("22"), -3L);

    @Test
    void counts_are_believed_when_two_quiet_passes_agree() {
        CountAudit once = CountAudit.DUE.counted(THREE_TOO_MANY);

        assertThat(CountAudit.DUE.isProvenBy(THREE_TOO_MANY)).isFalse();
        assertThat(once.due()).isTrue();
        assertThat(once.isProvenBy(THREE_TOO_MANY)).isTrue();
        assertThat(once.isProvenBy(Map.of(MailboxKey.ofId("22"), -2L))).isFalse();
        assertThat(once.changed().isProvenBy(THREE_TOO_MANY)).isFalse();
    }

    @Test
    void right_counts_are_not_checked_again_until_something_changes() {
        CountAudit right = CountAudit.DUE.counted(Map.of());

        assertThat(right.due()).isFalse();
        assertThat(right.changed().due()).isTrue();
    }

    @Test
    void a_server_that_counts_differently_is_compared_once() {
        CountAudit compared = CountAudit.DUE.counted(THREE_TOO_MANY).comparing().changed();

        CountAudit after = compared.counted(THREE_TOO_MANY);
        assertThat(after.due()).isFalse();
        assertThat(after.isProvenBy(THREE_TOO_MANY)).isFalse();
        assertThat(after.changed().counted(Map.of(MailboxKey.ofId("22"), 1L)).due())
                .isTrue();
    }
}
