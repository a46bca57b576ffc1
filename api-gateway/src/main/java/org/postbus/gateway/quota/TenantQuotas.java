package org.postbus.gateway.quota;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.postbus.gateway.config.QuotaDefaults;
import org.postbus.gateway.problem.Problem;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.TenantId;

/** The limits of each tenant: its own in the table {@code tenant_quota}, else the settings. Another gateway's change counts after {@link #CACHED}. */
@ApplicationScoped
public class TenantQuotas {
    /** Bytes or a number. */
    public static final long LIMIT_MAX = 1_000_000_000_000_000L;

    static final Duration CACHED = Duration.ofSeconds(10);
    private static final int CACHED_MAX = 10_000;

    private final TenantTransactions transactions;
    private final Map<Quota, Long> defaults;
    private final Cache<TenantId, Limits> limits = Caffeine.newBuilder()
            .expireAfterWrite(CACHED)
            .maximumSize(CACHED_MAX)
            .build();

    TenantQuotas(TenantTransactions transactions, QuotaDefaults settings) {
        this.transactions = transactions;
        this.defaults = Arrays.stream(Quota.values())
                .collect(Collectors.toMap(
                        Function.identity(),
                        quota -> quota.preset(settings),
                        (one, other) -> one,
                        () -> new EnumMap<>(Quota.class)));
    }

    /** The limits that count for the tenant now. */
    public Uni<Limits> read(TenantId tenant) {
        Limits cached = limits.getIfPresent(tenant);
        return cached != null
                ? Uni.createFrom().item(cached)
                : transactions.uni(tenant, this::stored).invoke(found -> limits.put(tenant, found));
    }

    /** As {@link #read}, from the database and without the cache. Fails with a 404 problem if there is no such tenant. */
    Uni<Limits> stored(TenantId tenant) {
        return transactions.uni(tenant, connection -> requireTenant(connection).compose(there -> stored(connection)));
    }

    /**
     * Sets limits of the tenant. What it uses already stays, also if it is more than a new limit.
     *
     * @param changes of the quotas that change; empty: the default counts again
     * @return the limits afterwards; fails with a 404 problem if there is no such tenant
     * @throws IllegalArgumentException if one is negative or above {@link #LIMIT_MAX}
     */
    public Uni<Limits> set(TenantId tenant, Map<Quota, Optional<Long>> changes) {
        changes.values()
                .forEach(value -> value.filter(limit -> limit < 0 || limit > LIMIT_MAX)
                        .ifPresent(limit -> {
                            throw new IllegalArgumentException(
                                    "a limit must be between 0 and " + LIMIT_MAX + ": " + limit);
                        }));
        return transactions
                .uni(
                        tenant,
                        connection -> requireTenant(connection)
                                .compose(there -> store(connection, tenant, changes))
                                .compose(stored -> stored(connection)))
                .invoke(found -> limits.put(tenant, found));
    }

    long preset(Quota quota) {
        return defaults.get(quota);
    }

    private static Future<Void> requireTenant(SqlConnection connection) {
        return connection
                .query("select from tenant where tenant_id = current_tenant()")
                .execute()
                .map(rows -> {
                    if (rows.size() == 0) {
                        throw Problem.notFound("tenant");
                    }
                    return null;
                });
    }

    private Future<Limits> stored(SqlConnection connection) {
        return connection
                .preparedQuery("select name, value from tenant_quota")
                .execute()
                .map(rows -> {
                    Map<Quota, Long> own = new EnumMap<>(Quota.class);
                    // A name that this gateway does not know belongs to a newer one.
                    for (Row row : rows) {
                        Quota.find(row.getString(0)).ifPresent(quota -> own.put(quota, row.getLong(1)));
                    }
                    return Limits.of(defaults, own);
                });
    }

    private static Future<Void> store(SqlConnection connection, TenantId tenant, Map<Quota, Optional<Long>> changes) {
        Future<?> stored = Future.succeededFuture();
        for (Map.Entry<Quota, Optional<Long>> change : changes.entrySet()) {
            String name = change.getKey().wireName();
            stored = stored.compose(before -> change.getValue().isPresent()
                    ? connection
                            .preparedQuery("""
                                    insert into tenant_quota (tenant_id, name, value) values ($1, $2, $3)
                                    on conflict (tenant_id, name) do update set value = excluded.value, updated_at = now()""")
                            .execute(Tuple.of(
                                    tenant.value(), name, change.getValue().get()))
                    : connection
                            .preparedQuery("delete from tenant_quota where name = $1")
                            .execute(Tuple.of(name)));
        }
        return stored.mapEmpty();
    }
}
