package org.postbus.mail.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class OutgoingMessageTest {
    @Test
    void a_message_comes_out_as_it_went_in() {
        String text =
                "From: a@example.com\r\nSubject: folded\r\n \tand folded again\r\nX-Empty: \r\n\r\nbody\r\n\r\n.\r\n";

        assertThat(new String(of(text).octets(), StandardCharsets.US_ASCII)).isEqualTo(text);
    }

    @Test
    void line_feeds_alone_become_whole_line_ends() {
        assertThat(new String(of("From: a@example.com\n\nbody\n").octets(), StandardCharsets.US_ASCII))
                .isEqualTo("From: a@example.com\r\n\r\nbody\r\n");
    }

    @Test
    void a_field_is_set_once() {
        OutgoingMessage message = of("message-id: <old@x>\nSubject: s\n\nbody").with("Message-ID", "<new@x>");

        assertThat(message.field("MESSAGE-ID")).contains("<new@x>");
        assertThat(message.fields()).hasSize(2);
    }

    @Test
    void input_that_allows_smuggling_is_refused() {
        for (String unfit : new String[] {
            "Subject: s\n\nbare \r return",
            "Subject: s\n\nnul \0",
            "Subject: caf\u00e9\n\nbody",
            "Subject: s\n\n" + "x".repeat(999),
            " begins with a fold\n\nbody",
            "no field at all\n\nbody",
            "Bad Name: x\n\nbody"
        }) {
            assertThatThrownBy(() -> of(unfit)).as(unfit).isInstanceOf(IllegalArgumentException.class);
        }
    }

    /** Each fold was once appended to all before it. */
    @Test
    @Timeout(3)
    void a_field_of_many_lines_takes_time_in_proportion_to_its_length() {
        String folds = " z\n".repeat(OutgoingMessage.HEADER_OCTETS_MAX / 3 - 10);

        OutgoingMessage message = of("To: a@example.com\nX: y\n" + folds + "\nbody");

        assertThat(message.fields()).hasSize(2);
        assertThat(message.field("X").orElseThrow()).hasSize(1 + folds.length() / 3 * 4);
    }

    @Test
    @Timeout(10)
    void a_header_that_is_too_large_is_refused() {
        for (String line : new String[] {" z\n", "x:\n", "X-Long: " + "x".repeat(900) + "\n"}) {
            String message = "To: a@example.com\n" + line.repeat((10 << 20) / line.length()) + "\nbody";
            assertThatThrownBy(() -> of(message))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("header");
        }
    }

    private static OutgoingMessage of(String text) {
        return OutgoingMessage.of(text.getBytes(StandardCharsets.ISO_8859_1));
    }
}
