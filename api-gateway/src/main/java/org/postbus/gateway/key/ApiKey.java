package org.postbus.gateway.key;

import io.vertx.sqlclient.Row;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import org.postbus.gateway.authentication.Scope;
import org.postbus.network.IpNetwork;

/**
 * A key as the API shows it, without its secret.
 *
 * @param allowedAddresses from which it may be used; empty: from everywhere
 * @param createdBy as {@link org.postbus.gateway.audit.Actor#text()}
 * @param lastUsedAt within two minutes
 */
public record ApiKey(
        UUID id,
        String name,
        List<Scope> scopes,
        List<IpNetwork> allowedAddresses,
        Instant createdAt,
        String createdBy,
        Optional<Instant> expiresAt,
        Optional<Instant> lastUsedAt,
        Optional<Instant> revokedAt) {
    static final String COLUMNS =
            "key_id, name, scopes, networks::text[] as networks, created_at, created_by, expires_at, last_used_at, revoked_at";

    public ApiKey {
        Objects.requireNonNull(id);
        Objects.requireNonNull(name);
        scopes = List.copyOf(scopes);
        allowedAddresses = List.copyOf(allowedAddresses);
        Objects.requireNonNull(createdAt);
        Objects.requireNonNull(createdBy);
        Objects.requireNonNull(expiresAt);
        Objects.requireNonNull(lastUsedAt);
        Objects.requireNonNull(revokedAt);
    }

    static ApiKey of(Row row) {
        return new ApiKey(
                row.getUUID("key_id"),
                row.getString("name"),
                List.copyOf(new TreeSet<>(Arrays.stream(row.getArrayOfStrings("scopes"))
                        .map(Scope::of)
                        .toList())),
                Arrays.stream(row.getArrayOfStrings("networks"))
                        .map(IpNetwork::parseLenient)
                        .toList(),
                row.getOffsetDateTime("created_at").toInstant(),
                row.getString("created_by"),
                instant(row, "expires_at"),
                instant(row, "last_used_at"),
                instant(row, "revoked_at"));
    }

    private static Optional<Instant> instant(Row row, String column) {
        return Optional.ofNullable(row.getOffsetDateTime(column)).map(OffsetDateTime::toInstant);
    }
}
