package org.postbus.gateway.change;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.model.AccountId;

class StreamPositionTest {
    private static final int HEADER_OCTETS_MAX = 8_192;

    @Test
    void a_position_survives_encoding() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            // Given
            Map<AccountId, Long> seqs = new HashMap<>();
            for (int i = random.nextInt(20); i > 0; i--) {
                seqs.put(account(random), random.nextLong(1, 1L << random.nextInt(1, 62)));
            }

            // When
            StreamPosition read = StreamPosition.parse(StreamPosition.of(seqs).text());

            // Then
            seqs.forEach((account, seq) ->
                    assertThat(read.seqOf(account)).as("seed %d", seed).isEqualTo(seq));
            assertThat(read.seqs()).as("seed %d", seed).hasSameSizeAs(seqs);
        }
    }

    @Test
    void an_unknown_account_has_seq_0() {
        assertThat(StreamPosition.parse(StreamPosition.of(Map.of()).text()).seqOf(account(new Random(1))))
                .isZero();
    }

    @Test
    void the_position_of_the_maximum_of_accounts_fits_into_a_header() {
        // Given
        Random random = new Random(2);
        Map<AccountId, Long> seqs = new HashMap<>();
        while (seqs.size() < StreamPosition.ACCOUNTS_MAX) {
            seqs.put(account(random), 1_000_000L);
        }

        // Then
        assertThat(StreamPosition.of(seqs).text()).hasSizeLessThan(HEADER_OCTETS_MAX);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "Ag", "42", "AQE", "AQAAAAAAAAAB", "AQAAAAAAAAAB_w", "!!!", "AQAAAAAAAAAB_________________w"
            })
    void an_invalid_position_is_a_bad_request(String text) {
        assertThat(catchThrowableOfType(ProblemException.class, () -> StreamPosition.parse(text))
                        .problem()
                        .status())
                .isEqualTo(400);
    }

    private static AccountId account(Random random) {
        return new AccountId(new UUID(random.nextLong(), random.nextLong()));
    }
}
