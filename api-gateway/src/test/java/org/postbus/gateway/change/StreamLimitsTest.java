package org.postbus.gateway.change;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StreamLimitsTest {
    private static final StreamLimits LIMITS = new StreamLimits(100, 20, 30, 2);

    @Test
    void a_tenant_has_a_limit_of_its_own() {
        assertThat(LIMITS.refusal(20, 19)).isEmpty();
        assertThat(LIMITS.refusal(20, 20))
                .hasValueSatisfying(text -> assertThat(text).contains("20 event streams of this tenant"));
    }

    /** Before, 5 tenants with 20 streams each could take all 100. */
    @Test
    void others_can_not_take_the_first_streams_of_a_tenant() {
        int taken = 0;
        for (int tenant = 0; tenant < 5; tenant++) {
            for (int own = 0; own < 20; own++) {
                if (LIMITS.refusal(taken, own).isEmpty()) {
                    taken++;
                }
            }
        }

        assertThat(taken).isEqualTo(72);
        assertThat(LIMITS.refusal(taken, 0)).isEmpty();
        assertThat(LIMITS.refusal(taken + 1, 1)).isEmpty();
        assertThat(LIMITS.refusal(taken + 2, 2))
                .hasValueSatisfying(text -> assertThat(text).contains("in this process"));
        assertThat(LIMITS.refusal(100, 0)).isPresent();
    }
}
