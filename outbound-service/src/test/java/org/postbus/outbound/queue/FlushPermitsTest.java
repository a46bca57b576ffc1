package org.postbus.outbound.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.MutationNotification;

class FlushPermitsTest {
    private final TenantId a = new TenantId(UUID.randomUUID());
    private final TenantId b = new TenantId(UUID.randomUUID());

    @Test
    void an_account_does_not_wait_for_1500_of_another_tenant() {
        AtomicInteger ofA = new AtomicInteger();
        AtomicInteger beforeB = new AtomicInteger(-1);
        AccountFlushes flushes = new AccountFlushes(
                new AccountFlushes.Flusher() {
                    @Override
                    public boolean flush(TenantId tenant, AccountId account) {
                        if (tenant.equals(b)) {
                            beforeB.set(ofA.get());
                        } else {
                            ofA.incrementAndGet();
                            sleep();
                        }
                        return false;
                    }

                    @Override
                    public void stop() {}
                },
                new FlushPermits(2, Duration.ofMinutes(1), waited -> {}));
        for (int i = 0; i < 1500; i++) {
            flushes.notify(new MutationNotification(a, new AccountId(UUID.randomUUID())));
        }
        await().until(() -> ofA.get() > 0);
        int before = ofA.get();
        flushes.notify(new MutationNotification(b, new AccountId(UUID.randomUUID())));

        await().until(() -> beforeB.get() >= 0);

        assertThat(beforeB.get() - before).isLessThan(100);
        await().atMost(Duration.ofMinutes(1)).until(() -> ofA.get() == 1500);
        flushes.close();
        assertThat(flushes.running()).isZero();
    }

    @Test
    void long_flushes_of_one_tenant_leave_permits_to_others() throws Exception {
        FlushPermits permits = new FlushPermits(4, Duration.ofMillis(1), waited -> {});
        AtomicInteger held = new AtomicInteger();
        for (int i = 0; i < 40; i++) {
            Thread.ofVirtual().start(() -> {
                try {
                    permits.acquire(a);
                    held.incrementAndGet();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        }
        // 12 of the 16 for long flushes and 3 of the 4 ordinary ones.
        await().until(() -> held.get() == 15);

        try (FlushPermits.Permit permit = permits.acquire(b)) {
            assertThat(permits.held()).isEqualTo(16);
        }
    }

    private static void sleep() {
        try {
            Thread.sleep(Duration.ofMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
