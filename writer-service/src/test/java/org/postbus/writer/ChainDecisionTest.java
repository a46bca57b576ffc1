package org.postbus.writer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ChainDecisionTest {
    @Test
    void the_next_batch_of_the_current_claim_is_applied() {
        assertThat(ChainDecision.of(3, 7, 3, 8)).isEqualTo(new ChainDecision.Apply());
    }

    @Test
    void a_batch_of_an_older_claim_is_stale_whatever_its_number() {
        for (long seq = 1; seq < 20; seq++) {
            assertThat(ChainDecision.of(3, 7, 2, seq)).isEqualTo(new ChainDecision.StaleFence());
        }
    }

    @Test
    void an_applied_batch_is_a_duplicate() {
        for (long seq = 1; seq <= 7; seq++) {
            assertThat(ChainDecision.of(3, 7, 3, seq)).isEqualTo(new ChainDecision.Duplicate());
        }
    }

    @Test
    void a_missing_batch_ends_the_claim() {
        assertThat(ChainDecision.of(3, 7, 3, 9)).isEqualTo(new ChainDecision.Gap(4));
    }

    @Test
    void a_claim_that_the_database_does_not_know_is_outbid() {
        assertThat(ChainDecision.of(3, 7, 12, 1)).isEqualTo(new ChainDecision.Gap(13));
    }
}
