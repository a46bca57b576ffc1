package org.postbus.gateway.idempotency;

import io.smallrye.mutiny.Uni;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.quota.Quota;
import org.postbus.gateway.quota.Stock;
import org.postbus.model.TenantId;

/**
 * The header {@code Idempotency-Key}. A client that did not get the response sends the request again with the same key; it gets the
 * response of the first request, and nothing is done twice. Responses are kept for a day. A request that was refused stores nothing,
 * so it can be sent again with the same key.
 *
 * @param key empty: the request is done each time
 * @param fingerprint hexadecimal SHA-256 of the request, to recognize another request with the same key
 */
public record Idempotency(Optional<String> key, String fingerprint) {
    public static final String HEADER = "Idempotency-Key";
    /** For the OpenAPI document. */
    public static final String DESCRIPTION =
            "a request that repeats the key of an earlier one, within a day, changes nothing and gets the response of the earlier one";

    static final int KEY_LENGTH_MAX = 255;
    private static final Duration KEPT = Duration.ofDays(1);

    public Idempotency {
        Objects.requireNonNull(key);
        Objects.requireNonNull(fingerprint);
    }

    /**
     * @param header null if there is none
     * @param request method and path
     * @param body null if there is none
     * @throws org.postbus.gateway.problem.ProblemException 400 if the header is not 1 to 255 visible ASCII characters
     */
    public static Idempotency of(String header, String request, byte[] body) {
        if (header != null
                && (header.isEmpty()
                        || header.length() > KEY_LENGTH_MAX
                        || !header.chars().allMatch(c -> c > ' ' && c < 0x7F))) {
            throw Problem.badRequest("Idempotency-Key must be 1 to " + KEY_LENGTH_MAX + " visible ASCII characters");
        }
        MessageDigest digest = sha256();
        digest.update(request.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
        if (body != null) {
            digest.update(body);
        }
        return new Idempotency(Optional.ofNullable(header), HexFormat.of().formatHex(digest.digest()));
    }

    /**
     * Does the work in the session's transaction and stores its response there. Fails with a 409 problem while the first request with
     * this key is running, with 422 if the key was used for another request, and with 403 if the tenant has no quota left for the response.
     *
     * @param stock counts the responses that are kept
     * @param type of the response, which is stored as JSON
     */
    public <T> Uni<T> once(Mutiny.Session session, TenantId tenant, Stock stock, Class<T> type, Supplier<Uni<T>> work) {
        if (key.isEmpty()) {
            return work.get();
        }
        return tryLock(session, tenant)
                .chain(() -> session.find(
                        IdempotencyKeyEntity.class, new IdempotencyKeyEntity.Key(tenant.value(), key.get())))
                .chain(stored -> stored == null
                        ? work.get().call(response -> store(session, tenant, stock, response))
                        : Uni.createFrom().item(() -> response(stored, type)));
    }

    private Uni<Void> tryLock(Mutiny.Session session, TenantId tenant) {
        return session.createNativeQuery("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))", Boolean.class)
                .setParameter("name", "idempotency/" + tenant + "/" + key.orElseThrow())
                .getSingleResult()
                .invoke(locked -> {
                    if (!locked) {
                        throw Problem.conflict(
                                "a request with this Idempotency-Key is running; repeat yours in some seconds to get its response");
                    }
                })
                .replaceWithVoid();
    }

    private <T> Uni<Void> store(Mutiny.Session session, TenantId tenant, Stock stock, T response) {
        Instant now = Instant.now();
        return session.createMutationQuery(
                        "delete from IdempotencyKeyEntity where tenantId = :tenant and createdAt < :oldest")
                .setParameter("tenant", tenant.value())
                .setParameter("oldest", now.minus(KEPT))
                .executeUpdate()
                .chain(() -> stock.require(session, tenant, Quota.IDEMPOTENCY_KEYS, 1))
                .chain(() -> session.persist(new IdempotencyKeyEntity(
                        tenant,
                        key.orElseThrow(),
                        HexFormat.of().parseHex(fingerprint),
                        EventCodec.encodeToString(response),
                        now)));
    }

    private <T> T response(IdempotencyKeyEntity stored, Class<T> type) {
        if (!Arrays.equals(stored.fingerprint, HexFormat.of().parseHex(fingerprint))) {
            throw Problem.unprocessable("this Idempotency-Key was used for another request; use a new key");
        }
        return EventCodec.decode(stored.answer, type);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
