package org.postbus.kit.concurrent;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.postbus.model.TenantId;

class TenantPermitsTest {
    private final TenantId busy = new TenantId(UUID.randomUUID());
    private final TenantId other = new TenantId(UUID.randomUUID());
    private final TenantPermits permits = new TenantPermits(2, 3);
    private final List<String> started = new ArrayList<>();

    @Test
    void a_tenant_at_its_limit_waits_in_order_and_others_do_not() {
        // Given
        for (int i = 1; i <= 5; i++) {
            assertThat(enter(busy, "busy " + i)).isTrue();
        }
        assertThat(enter(busy, "too many")).isFalse();
        assertThat(enter(other, "other")).isTrue();
        assertThat(started).containsExactly("busy 1", "busy 2", "other");

        // When
        permits.leave(busy);
        permits.leave(busy);
        permits.leave(busy);

        // Then
        assertThat(started).containsExactly("busy 1", "busy 2", "other", "busy 3", "busy 4", "busy 5");
        permits.leave(busy);
        permits.leave(busy);
        assertThat(enter(busy, "again")).isTrue();
        assertThat(started).endsWith("again");
    }

    @Test
    void a_start_that_waits_can_be_taken_back() {
        // Given
        Runnable late = () -> started.add("late");
        enter(busy, "busy 1");
        enter(busy, "busy 2");
        permits.enter(busy, late);
        enter(busy, "busy 3");

        // When
        boolean taken = permits.abandon(busy, late);

        // Then
        assertThat(taken).isTrue();
        permits.leave(busy);
        assertThat(started).containsExactly("busy 1", "busy 2", "busy 3");
        assertThat(permits.abandon(busy, late)).isFalse();
        assertThat(permits.abandon(other, late)).isFalse();
    }

    private boolean enter(TenantId tenant, String name) {
        return permits.enter(tenant, () -> started.add(name));
    }
}
