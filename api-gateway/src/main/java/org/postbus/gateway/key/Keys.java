package org.postbus.gateway.key;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.StreamSupport;
import org.postbus.gateway.audit.AuditAppend;
import org.postbus.gateway.audit.AuditEntry;
import org.postbus.gateway.authentication.ApiKeys;
import org.postbus.gateway.authentication.Scope;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.rest.Page;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.TenantId;
import org.postbus.network.IpNetwork;

/** The table {@code api_key}, one tenant at a time. Every change has its entry in the audit log in the same transaction. */
@ApplicationScoped
class Keys {
    /** Keys of one tenant that are neither revoked nor expired. */
    static final int VALID_MAX = 100;
    /** Revoked and expired keys of a tenant that are kept, so that one can see what they were. */
    private static final int ENDED_KEPT = 200;

    private static final String IS_VALID = "revoked_at is null and (expires_at is null or expires_at > now())";

    private final TenantTransactions transactions;

    Keys(TenantTransactions transactions) {
        this.transactions = transactions;
    }

    Uni<Page<ApiKey, UUID>> list(TenantId tenant, int limit, Optional<UUID> after) {
        return transactions.uni(
                tenant,
                connection -> requireTenant(connection, tenant)
                        .compose(present -> connection
                                .preparedQuery("select " + ApiKey.COLUMNS
                                        + " from api_key where key_id > $1 order by key_id limit $2")
                                .execute(Tuple.of(after.orElse(new UUID(0, 0)), limit + 1))
                                .map(rows -> Page.of(
                                        StreamSupport.stream(rows.spliterator(), false)
                                                .map(ApiKey::of)
                                                .toList(),
                                        limit,
                                        Function.identity(),
                                        ApiKey::id))));
    }

    /** Fails with a 404 problem if there is no such tenant, and with 409 if it has too many keys. */
    Uni<CreatedKey> create(TenantId tenant, KeyRequest request, String createdBy, Function<UUID, AuditEntry> entry) {
        String secret = CreatedKey.freshSecret();
        return transactions.uni(
                tenant,
                connection -> requireTenant(connection, tenant)
                        .compose(present -> requireRoom(connection))
                        .compose(room -> insert(connection, tenant, request, createdBy, secret))
                        .compose(key -> AuditAppend.append(connection, List.of(entry.apply(key.id())))
                                .map(new CreatedKey(key, secret))));
    }

    /**
     * Makes a key that allows the same, and lets the old one expire after the grace period. If the old key expires, the new one has the
     * same lifetime, from now on.
     *
     * @param check fails if the caller may not have such a key
     */
    Uni<CreatedKey> rotate(
            TenantId tenant,
            UUID id,
            Duration grace,
            String createdBy,
            Consumer<KeyRequest> check,
            Function<UUID, AuditEntry> entry) {
        String secret = CreatedKey.freshSecret();
        return transactions.uni(
                tenant,
                connection -> find(connection, id)
                        .compose(old -> {
                            KeyRequest request = successor(old, Instant.now());
                            check.accept(request);
                            return requireRoom(connection)
                                    .compose(room -> insert(connection, tenant, request, createdBy, secret));
                        })
                        .compose(key -> connection
                                .preparedQuery("""
                                        update api_key set expires_at = least(expires_at, now() + $2::bigint * interval '1 second')
                                        where key_id = $1""")
                                .execute(Tuple.of(id, grace.toSeconds()))
                                .compose(shortened -> AuditAppend.append(connection, List.of(entry.apply(id))))
                                .map(new CreatedKey(key, secret))));
    }

    /** Fails with a 404 problem. Revoking a revoked key changes nothing. */
    Uni<Void> revoke(TenantId tenant, UUID id, AuditEntry entry) {
        return transactions.uni(
                tenant,
                connection -> connection
                        .preparedQuery("update api_key set revoked_at = coalesce(revoked_at, now()) where key_id = $1")
                        .execute(Tuple.of(id))
                        .compose(rows -> rows.rowCount() == 0
                                ? Future.failedFuture(Problem.notFound("key"))
                                : AuditAppend.append(connection, List.of(entry))));
    }

    private static KeyRequest successor(ApiKey old, Instant now) {
        return new KeyRequest(
                old.name(),
                Set.copyOf(old.scopes()),
                old.allowedAddresses(),
                old.expiresAt().map(end -> now.plus(Duration.between(old.createdAt(), end))));
    }

    /** A key that is valid. Two rotations at the same time wait for each other. */
    private static Future<ApiKey> find(SqlConnection connection, UUID id) {
        return connection
                .preparedQuery(
                        "select " + ApiKey.COLUMNS + " from api_key where key_id = $1 and " + IS_VALID + " for update")
                .execute(Tuple.of(id))
                .compose(rows -> rows.size() == 0
                        ? Future.failedFuture(Problem.notFound("valid key"))
                        : Future.succeededFuture(ApiKey.of(rows.iterator().next())));
    }

    private static Future<Void> requireTenant(SqlConnection connection, TenantId tenant) {
        return connection
                .preparedQuery("select from tenant where tenant_id = $1 and status <> 'deleting'")
                .execute(Tuple.of(tenant.value()))
                .compose(rows ->
                        rows.size() == 0 ? Future.failedFuture(Problem.notFound("tenant")) : Future.succeededFuture());
    }

    /** Counts one at a time for a tenant, and deletes the oldest of the keys that ended. */
    private static Future<Void> requireRoom(SqlConnection connection) {
        return connection
                .query("select pg_advisory_xact_lock(hashtextextended('keys/' || current_tenant(), 0))")
                .execute()
                .compose(locked -> connection
                        .query("select count(*) from api_key where " + IS_VALID)
                        .execute())
                .compose(rows -> rows.iterator().next().getLong(0) >= VALID_MAX
                        ? Future.failedFuture(Problem.conflict(
                                "this tenant has " + VALID_MAX + " valid keys; revoke one that is not used"))
                        : connection
                                .query("""
                                delete from api_key where key_id in (
                                  select key_id from api_key where not (%s)
                                  order by coalesce(revoked_at, expires_at) desc offset %d)""".formatted(IS_VALID, ENDED_KEPT))
                                .execute()
                                .mapEmpty());
    }

    private static Future<ApiKey> insert(
            SqlConnection connection, TenantId tenant, KeyRequest request, String createdBy, String secret) {
        Tuple values = Tuple.of(tenant.value(), Buffer.buffer(ApiKeys.sha256(secret)), request.name())
                .addArrayOfString(request.scopes().stream().map(Scope::wireName).toArray(String[]::new))
                .addArrayOfString(
                        request.networks().stream().map(IpNetwork::toString).toArray(String[]::new))
                .addString(createdBy)
                .addOffsetDateTime(request.expiresAt()
                        .map(end -> OffsetDateTime.ofInstant(end, ZoneOffset.UTC))
                        .orElse(null));
        return connection
                .preparedQuery("""
                        insert into api_key (tenant_id, key_hash, name, scopes, networks, created_by, expires_at)
                        values ($1, $2, $3, $4, $5::text[]::cidr[], $6, $7) returning """ + " " + ApiKey.COLUMNS)
                .execute(values)
                .map(rows -> {
                    Row row = rows.iterator().next();
                    return ApiKey.of(row);
                });
    }
}
