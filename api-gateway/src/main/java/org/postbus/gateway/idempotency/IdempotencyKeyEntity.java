package org.postbus.gateway.idempotency;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.IdClass;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.UUID;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;
import org.postbus.model.TenantId;

/** A row of {@code idempotency_key}: the response to a request. */
@Entity
@Table(name = "idempotency_key")
@IdClass(IdempotencyKeyEntity.Key.class)
class IdempotencyKeyEntity {
    @Id
    @Column(name = "tenant_id")
    UUID tenantId;

    @Id
    @Column(name = "key")
    String name;

    byte[] fingerprint;
    /** JSON. */
    String answer;

    @Column(name = "created_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant createdAt;

    protected IdempotencyKeyEntity() {}

    IdempotencyKeyEntity(TenantId tenant, String name, byte[] fingerprint, String answer, Instant createdAt) {
        this.tenantId = tenant.value();
        this.name = name;
        this.fingerprint = fingerprint.clone();
        this.answer = answer;
        this.createdAt = createdAt;
    }

    record Key(UUID tenantId, String name) {}
}
