package org.postbus.gateway.tenant;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import io.vertx.sqlclient.Row;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.postbus.codec.WireName;
import org.postbus.model.TenantId;

/**
 * A tenant as the API shows it.
 *
 * @param reason of its suspension, shown to the tenant
 */
public record Tenant(TenantId id, String name, Status status, Optional<String> reason, Instant createdAt) {
    public Tenant {
        Objects.requireNonNull(id);
        Objects.requireNonNull(name);
        Objects.requireNonNull(status);
        Objects.requireNonNull(reason);
        Objects.requireNonNull(createdAt);
    }

    public enum Status implements WireName {
        ACTIVE("active"),
        /** Its requests are refused, its accounts are paused. */
        SUSPENDED("suspended"),
        /** Its data is being erased. There is no way back. */
        DELETING("deleting");

        private final String wireName;

        Status(String wireName) {
            this.wireName = wireName;
        }

        @JsonCreator
        public static Status of(String wireName) {
            return WireName.find(values(), wireName, "no such status of a tenant");
        }

        @JsonValue
        @Override
        public String wireName() {
            return wireName;
        }
    }

    static Tenant of(Row row) {
        return new Tenant(
                new TenantId(row.getUUID("tenant_id")),
                row.getString("name"),
                Status.of(row.getString("status")),
                Optional.ofNullable(row.getString("reason")),
                row.getOffsetDateTime("created_at").toInstant());
    }
}
