package org.postbus.gateway.audit;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.postbus.codec.EventCodec;
import org.postbus.model.TenantId;

/**
 * One entry of the audit log. Its JSON has the names of the table's columns, as the function {@code append_audit} reads it.
 *
 * @param tenantId empty if it concerns no tenant
 * @param actor {@link Actor#text()}
 * @param address of the client
 * @param action such as {@code POST /v1/accounts} or {@code tenant.erased}
 * @param object what it was done to, such as an id
 * @param outcome {@code done}, {@code refused} or {@code failed}
 * @param status of the HTTP answer
 */
public record AuditEntry(
        @JsonProperty("tenant_id") Optional<UUID> tenantId,
        Instant at,
        String actor,
        Optional<String> address,
        @JsonProperty("request_id") Optional<String> requestId,
        String action,
        Optional<String> object,
        String outcome,
        Optional<Integer> status) {
    static final int ACTOR_LENGTH_MAX = 300;
    static final int ACTION_LENGTH_MAX = 200;
    static final int OBJECT_LENGTH_MAX = 300;

    public AuditEntry {
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(at);
        actor = storable(actor, ACTOR_LENGTH_MAX);
        Objects.requireNonNull(address);
        Objects.requireNonNull(requestId);
        action = storable(action, ACTION_LENGTH_MAX);
        object = object.map(text -> storable(text, OBJECT_LENGTH_MAX));
        Objects.requireNonNull(outcome);
        Objects.requireNonNull(status);
    }

    /** Something that Postbus did by itself. */
    public static AuditEntry ofPostbus(TenantId tenant, Instant at, String action) {
        return new AuditEntry(
                Optional.of(tenant.value()),
                at,
                new Actor.Postbus().text(),
                Optional.empty(),
                Optional.empty(),
                action,
                Optional.of(tenant.toString()),
                "done",
                Optional.empty());
    }

    /** {@code refused} for 4xx, {@code failed} for 5xx. */
    public static String outcome(int status) {
        if (status < 400) {
            return "done";
        }
        return status < 500 ? "refused" : "failed";
    }

    static String json(List<AuditEntry> entries) {
        return EventCodec.encodeToString(entries);
    }

    /** PostgreSQL can not hold U+0000, and the texts come from clients. */
    private static String storable(String text, int lengthMax) {
        String printable = text.replaceAll("\\p{Cntrl}", "?");
        return printable.substring(0, Math.min(printable.length(), lengthMax));
    }
}
