package org.postbus.gateway.authentication;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.postbus.gateway.audit.Actor;
import org.postbus.gateway.problem.Problem;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.TenantId;
import org.postbus.network.IpNetwork;

/**
 * Finds what an API key allows. The database holds only the SHA-256 of a key. A valid key is cached for {@link #CACHED}, so a revoked
 * key works at most that long; any other key is looked up each time, so a new key works at once.
 */
@ApplicationScoped
public class ApiKeys {
    /** With the period of {@link OpenUses} this is below the 5 s within which a revocation takes effect. */
    static final Duration CACHED = Duration.ofSeconds(2);
    /** For so long the address of a valid key may send wrong keys without harm to the valid one. */
    private static final Duration KNOWN = Duration.ofMinutes(10);

    private static final int CACHED_MAX = 10_000;
    public static final String PREFIX = "pb_";
    private static final int LENGTH_MAX = 200;

    private final TenantTransactions transactions;
    private final FailedLogins failures;
    private final Cache<Buffer, Identity> valid = Caffeine.newBuilder()
            .expireAfterWrite(CACHED)
            .maximumSize(CACHED_MAX)
            .build();
    private final Cache<Buffer, Boolean> known = Caffeine.newBuilder()
            .expireAfterWrite(KNOWN)
            .maximumSize(CACHED_MAX)
            .build();

    /** Why the tenant of the key is refused. */
    private final Cache<Buffer, String> suspended = Caffeine.newBuilder()
            .expireAfterWrite(CACHED)
            .maximumSize(CACHED_MAX)
            .build();

    private final Map<Buffer, Future<Identity>> lookups = new ConcurrentHashMap<>();

    ApiKeys(TenantTransactions transactions, FailedLogins failures) {
        this.transactions = transactions;
        this.failures = failures;
    }

    /**
     * Fails with a 401 problem if the key is not valid, with 403 if its tenant is suspended, and with 429 if the address has sent too many
     * wrong ones.
     */
    Future<Identity> identify(String key, InetAddress address, String requestId) {
        if (!key.startsWith(PREFIX) || key.length() > LENGTH_MAX) {
            return failures.attempt(address)
                    .map(ApiKeys::tooMany)
                    .orElseGet(() -> wrong(
                            address,
                            requestId,
                            "this is no API key: one begins with " + PREFIX + " and has at most " + LENGTH_MAX
                                    + " characters"));
        }
        Buffer hash = Buffer.buffer(sha256(key));
        Identity cached = valid.getIfPresent(hash);
        if (cached != null && !cached.isExpired(Instant.now())) {
            return Future.succeededFuture(cached);
        }
        String suspension = suspended.getIfPresent(hash);
        if (suspension != null) {
            return Future.failedFuture(Problem.forbidden(suspension));
        }
        // Requests with the same key that come while it is looked up wait for one answer.
        Promise<Identity> answer = Promise.promise();
        Future<Identity> running = lookups.putIfAbsent(hash, answer.future());
        if (running != null) {
            return running;
        }
        lookUp(hash, address, requestId).onComplete(found -> {
            lookups.remove(hash);
            answer.handle(found);
        });
        return answer.future();
    }

    private Future<Identity> lookUp(Buffer hash, InetAddress address, String requestId) {
        boolean isKnown = known.getIfPresent(hash) != null;
        Optional<Duration> wait = isKnown ? Optional.empty() : failures.attempt(address);
        if (wait.isPresent()) {
            return tooMany(wait.get());
        }
        return transactions
                .futureWithoutTenant(connection -> connection
                        .preparedQuery("select * from authenticate($1)")
                        .execute(Tuple.of(hash)))
                .onComplete(rows -> {
                    if (!isKnown && (rows.failed() || rows.result().size() > 0)) {
                        failures.wasRight(address);
                    }
                })
                .compose(rows -> rows.size() == 0
                        ? wrong(address, requestId, "this API key is unknown; check that it is complete")
                        : identity(hash, rows.iterator().next(), address, requestId));
    }

    private static Future<Identity> tooMany(Duration wait) {
        return Future.failedFuture(Problem.tooMany(
                "too many wrong API keys came from this address; correct the key, and try again later", wait));
    }

    private Future<Identity> identity(Buffer hash, Row row, InetAddress address, String requestId) {
        Identity identity = new Identity(
                new Actor.Key(row.getUUID("key_id")),
                Optional.ofNullable(row.getUUID("tenant_id")).map(TenantId::new),
                Arrays.stream(row.getArrayOfStrings("scopes")).map(Scope::of).collect(Collectors.toSet()),
                Stream.of(row.getArrayOfStrings("networks"))
                        .map(IpNetwork::parseLenient)
                        .toList(),
                Optional.ofNullable(row.getOffsetDateTime("expires_at")).map(OffsetDateTime::toInstant));
        if (row.getBoolean("revoked") || identity.isExpired(Instant.now())) {
            known.invalidate(hash);
            failures.attempt(address);
        }
        if (row.getBoolean("revoked")) {
            return wrong(address, requestId, "this API key was revoked; use another one");
        }
        if (identity.isExpired(Instant.now())) {
            return wrong(
                    address,
                    requestId,
                    "this API key expired at " + identity.expiresAt().orElseThrow() + "; use another one");
        }
        Optional<String> refusal =
                new TenantState(row.getString("status"), Optional.ofNullable(row.getString("reason"))).refusal();
        if (refusal.isPresent()) {
            suspended.put(hash, refusal.get());
            return Future.failedFuture(Problem.forbidden(refusal.get()));
        }
        valid.put(hash, identity);
        known.put(hash, true);
        return Future.succeededFuture(identity);
    }

    private Future<Identity> wrong(InetAddress address, String requestId, String detail) {
        failures.failed(address, requestId);
        return Future.failedFuture(Problem.unauthorized(detail));
    }

    public static byte[] sha256(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }

    static Optional<UUID> keyOf(Actor actor) {
        return actor instanceof Actor.Key(var id) ? Optional.of(id) : Optional.empty();
    }
}
