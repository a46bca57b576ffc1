package org.postbus.gateway.audit.read;

import io.vertx.sqlclient.Row;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.postbus.model.TenantId;

/**
 * An entry of the audit log as the API shows it.
 *
 * @param tenantId absent for what concerns no tenant
 * @param actor {@code key:ID}, {@code subject:NAME}, {@code nobody} or {@code postbus}
 * @param outcome {@code done}, {@code refused} or {@code failed}
 * @param status of the HTTP answer
 */
public record LoggedEntry(
        UUID id,
        Optional<TenantId> tenantId,
        Instant at,
        String actor,
        Optional<String> address,
        Optional<String> requestId,
        String action,
        Optional<String> object,
        String outcome,
        Optional<Integer> status) {
    public LoggedEntry {
        Objects.requireNonNull(id);
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(at);
        Objects.requireNonNull(actor);
        Objects.requireNonNull(address);
        Objects.requireNonNull(requestId);
        Objects.requireNonNull(action);
        Objects.requireNonNull(object);
        Objects.requireNonNull(outcome);
        Objects.requireNonNull(status);
    }

    static LoggedEntry of(Row row) {
        return new LoggedEntry(
                row.getUUID("entry_id"),
                Optional.ofNullable(row.getUUID("tenant_id")).map(TenantId::new),
                row.getOffsetDateTime("at").toInstant(),
                row.getString("actor"),
                Optional.ofNullable(row.getString("address")),
                Optional.ofNullable(row.getString("request_id")),
                row.getString("action"),
                Optional.ofNullable(row.getString("object")),
                row.getString("outcome"),
                Optional.ofNullable(row.getInteger("status")));
    }
}
