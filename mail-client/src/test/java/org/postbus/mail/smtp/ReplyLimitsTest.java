package org.postbus.mail.smtp;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReplyLimitsTest {
    private final ReplyLimits limits = new ReplyLimits();

    private Optional<String> feed(String text) {
        return limits.exceededBy(text.getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void any_number_of_replies_of_any_kind_is_within_the_limits() {
        for (int i = 0; i < 10_000; i++) {
            assertThat(feed("250-first\r\n250-second\r\n250 last\r\n")).isEmpty();
            assertThat(feed("2")).isEmpty();
            assertThat(feed("50 in two chunks\r")).isEmpty();
            assertThat(feed("\n354\r\n")).isEmpty();
        }
        assertThat(feed("250 " + "x".repeat(ReplyLimits.LINE_OCTETS_MAX - 5) + "\r\n"))
                .isEmpty();
    }

    @Test
    void a_line_without_an_end_exceeds_them() {
        assertThat(feed("250 ")).isEmpty();
        assertThat(feed("x".repeat(ReplyLimits.LINE_OCTETS_MAX - 4))).isEmpty();
        assertThat(feed("x")).hasValueSatisfying(limit -> assertThat(limit).contains("a line of more than"));
    }

    @Test
    void a_reply_of_lines_without_an_end_exceeds_them() {
        Optional<String> exceeded = Optional.empty();
        int lines = 0;
        while (exceeded.isEmpty() && lines++ < 100_000) {
            exceeded = feed("250-and on\r\n");
        }

        assertThat(exceeded).hasValueSatisfying(limit -> assertThat(limit).contains("a reply of more than"));
        assertThat(lines * "250-and on\r\n".length()).isLessThan(ReplyLimits.REPLY_OCTETS_MAX + 100);
    }
}
