package org.postbus.gateway.content;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

class DownloadLimitsTest {
    private final DownloadLimits limits = new DownloadLimits();
    private final TenantId tenant = new TenantId(UUID.randomUUID());

    @Test
    void tenant_that_has_as_many_as_it_may_is_refused_and_others_are_not() throws InterruptedException {
        // Given
        List<DownloadLimits.Place> places = new ArrayList<>();
        for (int i = 0; i < DownloadLimits.DOWNLOADS_PER_TENANT_MAX; i++) {
            places.add(limits.enter(tenant, account()));
        }

        // When, Then
        assertThatThrownBy(() -> limits.enter(tenant, account()))
                .isInstanceOfSatisfying(
                        ContentException.class, e -> assertThat(e.failure()).isInstanceOf(ContentFailure.Busy.class));
        limits.enter(new TenantId(UUID.randomUUID()), account()).close();
        places.removeFirst().close();
        limits.enter(tenant, account()).close();
        places.forEach(DownloadLimits.Place::close);
        assertThat(limits.running()).isZero();
    }

    @Test
    void third_download_of_an_account_waits_for_one_of_the_others() throws InterruptedException {
        // Given
        AccountId account = account();
        DownloadLimits.Place first = limits.enter(tenant, account);
        DownloadLimits.Place second = limits.enter(tenant, account);
        CountDownLatch entered = new CountDownLatch(1);
        Thread third = Thread.startVirtualThread(() -> {
            try (DownloadLimits.Place place = limits.enter(tenant, account)) {
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
