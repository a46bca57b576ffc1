package org.postbus.writer.decide;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SequenceCheckTest {
    @Test
    void the_next_batch_of_the_current_claim_is_applied() {
        assertThat(SequenceCheck.of(3, 7, 3, 8)).isEqualTo(new SequenceCheck.Next());
    }

    @Test
    void a_batch_of_an_older_claim_is_stale_with_any_sequence_number() {
        for (long seq = 1; seq < 20; seq++) {
            assertThat(SequenceCheck.of(3, 7, 2, seq)).isEqualTo(new SequenceCheck.Stale());
        }
    }

    @Test
    void an_applied_batch_is_a_duplicate() {
        for (long seq = 1; seq <= 7; seq++) {
            assertThat(SequenceCheck.of(3, 7, 3, seq)).isEqualTo(new SequenceCheck.Duplicate());
        }
    }

    @Test
    void a_missing_batch_ends_the_claim() {
        assertThat(SequenceCheck.of(3, 7, 3, 9)).isEqualTo(new SequenceCheck.Gap(4));
    }

    /** Accepted, it would leave no number for a later claim. */
    @Test
    void a_claim_far_ahead_is_forged() {
        assertThat(SequenceCheck.of(3, 7, Long.MAX_VALUE, 1)).isEqualTo(new SequenceCheck.Forged());
        assertThat(SequenceCheck.of(3, 7, 3 + SequenceCheck.CLAIMS_UNKNOWN_MAX, 1))
                .isInstanceOf(SequenceCheck.Gap.class);
    }

    @Test
    void a_claim_that_the_database_does_not_know_gets_a_greater_fence() {
        assertThat(SequenceCheck.of(3, 7, 12, 1)).isEqualTo(new SequenceCheck.Gap(13));
    }
}
