package org.postbus.gateway.account;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.UUID;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** A row of {@code credential}: an account's one password or access token, encrypted. */
@Entity
@Table(name = "credential")
class CredentialEntity {
    @Id
    @Column(name = "account_id")
    UUID accountId;

    @Column(name = "tenant_id", updatable = false)
    UUID tenantId;

    String kind;
    byte[] ciphertext;

    @Column(name = "updated_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant updatedAt;

    protected CredentialEntity() {}

    CredentialEntity(TenantId tenant, AccountId account) {
        this.tenantId = tenant.value();
        this.accountId = account.value();
    }

    void set(String kind, byte[] ciphertext, Instant now) {
        this.kind = kind;
        this.ciphertext = ciphertext.clone();
        this.updatedAt = now;
    }
}
