package org.postbus.gateway.account;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.util.UUID;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** A row of {@code account_tombstone}: a deleted account whose tombstone is not on the topic yet. */
@Entity
@Table(name = "account_tombstone")
class AccountTombstoneEntity {
    @Id
    @Column(name = "account_id")
    UUID accountId;

    @Column(name = "tenant_id")
    UUID tenantId;

    protected AccountTombstoneEntity() {}

    AccountTombstoneEntity(TenantId tenant, AccountId account) {
        this.tenantId = tenant.value();
        this.accountId = account.value();
    }
}
