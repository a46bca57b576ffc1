package org.postbus.gateway.email;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.model.EmailId;

class EmailCursorTest {
    @Test
    void a_cursor_survives_encoding() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 1_000; i++) {
            // Given
            EmailCursor cursor = new EmailCursor(
                    Instant.EPOCH.plus(random.nextLong(-1L << 50, 1L << 52), ChronoUnit.MICROS),
                    new EmailId(new UUID(random.nextLong(), random.nextLong())));

            // Then
            assertThat(EmailCursor.parse(cursor.text())).as("seed %d", seed).isEqualTo(cursor);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "AAAA", "%%%", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    void an_invalid_cursor_is_a_bad_request(String text) {
        assertThat(catchThrowableOfType(ProblemException.class, () -> EmailCursor.parse(text))
                        .problem()
                        .status())
                .isEqualTo(400);
    }
}
