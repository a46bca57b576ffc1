package org.postbus.gateway.content;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.postbus.gateway.quota.AtOnce;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

class DownloadLimitsTest {
    private static final int OF_TENANT_MAX = 5;

    private final DownloadLimits limits = new DownloadLimits(new AtOnce(null));
    private final TenantId tenant = new TenantId(UUID.randomUUID());

    @Test
    void a_tenant_at_its_limit_is_refused_and_others_are_not() throws InterruptedException {
        // Given
        List<DownloadLimits.Permit> permits = new ArrayList<>();
        for (int i = 0; i < OF_TENANT_MAX; i++) {
            permits.add(limits.enter(tenant, account(), OF_TENANT_MAX));
        }

        // When, Then
        assertThatThrownBy(() -> limits.enter(tenant, account(), OF_TENANT_MAX))
                .isInstanceOfSatisfying(
                        ContentException.class, e -> assertThat(e.failure()).isInstanceOf(ContentFailure.Busy.class));
        limits.enter(new TenantId(UUID.randomUUID()), account(), OF_TENANT_MAX).close();
        permits.removeFirst().close();
        limits.enter(tenant, account(), OF_TENANT_MAX).close();
        permits.forEach(DownloadLimits.Permit::close);
        assertThat(limits.running()).isZero();
    }

    @Test
    void the_third_download_of_an_account_waits_for_another_one_to_end() throws InterruptedException {
        // Given
        AccountId account = account();
        DownloadLimits.Permit first = limits.enter(tenant, account, OF_TENANT_MAX);
        DownloadLimits.Permit second = limits.enter(tenant, account, OF_TENANT_MAX);
        CountDownLatch entered = new CountDownLatch(1);
        Thread third = Thread.startVirtualThread(() -> {
            try (DownloadLimits.Permit permit = limits.enter(tenant, account, OF_TENANT_MAX)) {
                entered.countDown();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        assertThat(entered.await(200, TimeUnit.MILLISECONDS)).isFalse();

        // When
        first.close();

        // Then
        assertThat(entered.await(5, TimeUnit.SECONDS)).isTrue();
        third.join();
        second.close();
        assertThat(limits.running()).isZero();
    }

    private static AccountId account() {
        return new AccountId(UUID.randomUUID());
    }
}
