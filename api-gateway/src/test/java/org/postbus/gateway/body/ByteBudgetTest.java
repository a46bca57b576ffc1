package org.postbus.gateway.body;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.gateway.body.ByteBudget.Claim.FULL;
import static org.postbus.gateway.body.ByteBudget.Claim.GRANTED;
import static org.postbus.gateway.body.ByteBudget.Claim.TENANT_FULL;

import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.postbus.model.TenantId;

class ByteBudgetTest {
    private final TenantId one = new TenantId(UUID.randomUUID());
    private final TenantId two = new TenantId(UUID.randomUUID());
    private final TenantId three = new TenantId(UUID.randomUUID());
    private final ByteBudget budget = new ByteBudget(100, 50);

    @Test
    void a_tenant_gets_its_share_and_leaves_the_rest() {
        assertThat(budget.claim(one, 40)).isEqualTo(GRANTED);
        assertThat(budget.claim(one, 11)).isEqualTo(TENANT_FULL);
        assertThat(budget.claim(one, 10)).isEqualTo(GRANTED);
        assertThat(budget.claim(two, 50)).isEqualTo(GRANTED);
        assertThat(budget.claim(three, 1)).isEqualTo(FULL);
        assertThat(budget.held()).isEqualTo(100);
    }

    @Test
    void what_is_released_can_be_claimed_again() {
        budget.claim(one, 50);
        budget.claim(two, 50);

        budget.release(one, 50);

        assertThat(budget.claim(three, 50)).isEqualTo(GRANTED);
        assertThat(budget.claim(one, 1)).isEqualTo(FULL);
        budget.release(three, 50);
        budget.release(two, 50);
        assertThat(budget.held()).isZero();
    }
}
