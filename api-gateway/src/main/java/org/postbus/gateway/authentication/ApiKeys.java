package org.postbus.gateway.authentication;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.postbus.gateway.problem.Problem;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.TenantId;

/**
 * Finds the tenant of an API key. The database holds only the SHA-256 of a key. A known key is cached for {@link #CACHED}, so a
 * revoked key works at most that long; an unknown key is looked up each time, so a new key works at once.
 */
@ApplicationScoped
public class ApiKeys {
    static final Duration CACHED = Duration.ofSeconds(30);
    private static final int CACHED_MAX = 10_000;
    private static final String SCHEME = "Bearer ";
    private static final String PREFIX = "pb_";
    private static final int LENGTH_MAX = 200;

    private final TenantTransactions transactions;
    private final Cache<Buffer, TenantId> tenants = Caffeine.newBuilder()
            .expireAfterWrite(CACHED)
            .maximumSize(CACHED_MAX)
            .build();

    ApiKeys(TenantTransactions transactions) {
        this.transactions = transactions;
    }

    /**
     * Fails with a 401 problem if there is no valid key.
     *
     * @param authorization the value of the header; null if there is none
     */
    public Uni<TenantId> tenantOf(String authorization) {
        Optional<String> key = keyIn(authorization);
        if (key.isEmpty()) {
            return Uni.createFrom()
                    .failure(Problem.unauthorized("send an API key in the header Authorization: Bearer pb_…"));
        }
        Buffer hash = Buffer.buffer(sha256(key.get()));
        TenantId cached = tenants.getIfPresent(hash);
        if (cached != null) {
            return Uni.createFrom().item(cached);
        }
        return Uni.createFrom()
                .completionStage(() -> transactions
                        .futureWithoutTenant(connection -> connection
                                .preparedQuery("select tenant_of_api_key($1)")
                                .execute(Tuple.of(hash)))
                        .toCompletionStage())
                .map(rows -> {
                    UUID tenant = rows.iterator().next().getUUID(0);
                    if (tenant == null) {
                        throw Problem.unauthorized("this API key is unknown or was revoked; use another one");
                    }
                    TenantId found = new TenantId(tenant);
                    tenants.put(hash, found);
                    return found;
                });
    }

    private static Optional<String> keyIn(String authorization) {
        return Optional.ofNullable(authorization)
                .filter(header -> header.regionMatches(true, 0, SCHEME, 0, SCHEME.length()))
                .map(header -> header.substring(SCHEME.length()).strip())
                .filter(key -> key.startsWith(PREFIX) && key.length() <= LENGTH_MAX);
    }

    private static byte[] sha256(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}
