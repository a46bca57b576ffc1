package org.postbus.gateway.authentication;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.TenantId;

/**
 * Whose API key it is. The database holds only a key's SHA-256. A key that was found is remembered for
 * {@link #REMEMBERED}, so a revoked key works at most that long; one that was not found is asked for each time, so a new
 * key works at once.
 */
@ApplicationScoped
public class ApiKeys {
    static final Duration REMEMBERED = Duration.ofSeconds(30);
    private static final int REMEMBERED_MAX = 10_000;
    private static final String SCHEME = "Bearer ";
    private static final String PREFIX = "pb_";
    private static final int LENGTH_MAX = 200;

    private final Pool pool;
    private final Cache<Buffer, TenantId> known = Caffeine.newBuilder()
            .expireAfterWrite(REMEMBERED)
            .maximumSize(REMEMBERED_MAX)
            .build();

    ApiKeys(Pool pool) {
        this.pool = pool;
    }

    /** @return the tenant of an Authorization header; fails with a 401 problem */
    public Uni<TenantId> tenantOf(String authorization) {
        Optional<String> key = keyIn(authorization);
        if (key.isEmpty()) {
            return Uni.createFrom().failure(Problem.unauthorized("send an API key: Authorization: Bearer pb_…"));
        }
        Buffer hash = Buffer.buffer(sha256(key.get()));
        TenantId remembered = known.getIfPresent(hash);
        if (remembered != null) {
            return Uni.createFrom().item(remembered);
        }
        return Uni.createFrom()
                .completionStage(() -> pool.preparedQuery("select tenant_of_api_key($1)")
                        .execute(Tuple.of(hash))
                        .toCompletionStage())
                .map(rows -> {
                    UUID tenant = rows.iterator().next().getUUID(0);
                    if (tenant == null) {
                        throw Problem.unauthorized("this API key is not known or was revoked");
                    }
                    TenantId found = new TenantId(tenant);
                    known.put(hash, found);
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
