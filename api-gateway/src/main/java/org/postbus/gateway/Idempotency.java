package org.postbus.gateway;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.postbus.codec.EventCodec;
import org.postbus.model.TenantId;

/**
 * The header {@code Idempotency-Key}: a request that comes again, because its answer was lost, gets the answer of the first
 * and does nothing. Answers are kept for a day. A request that was refused left nothing behind, and is done anew.
 *
 * @param key empty: the request is done each time it comes
 * @param fingerprint of the request: the same key with another request is a mistake of the caller's
 */
public record Idempotency(Optional<String> key, Buffer fingerprint) {
    static final int KEY_LENGTH_MAX = 255;

    private static final String KEEP = """
            with old as (
              delete from idempotency_key where tenant_id = $1 and created_at < now() - interval '1 day')
            insert into idempotency_key (tenant_id, key, fingerprint, answer) values ($1, $2, $3, $4)""";

    public Idempotency {
        Objects.requireNonNull(key);
        Objects.requireNonNull(fingerprint);
    }

    /**
     * @param header null if there is none
     * @param request method and path
     * @param body null if there is none
     * @throws ProblemException 400 if the header has more than 255 characters or other than visible ASCII ones
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
        return new Idempotency(Optional.ofNullable(header), Buffer.buffer(digest.digest()));
    }

    /**
     * Does the work in the caller's transaction and keeps its answer there. Fails with a 409 problem while the first request
     * with this key is being done, and with 422 if the key was used for another one.
     *
     * @param type of the answer, which is kept as JSON
     */
    public <T> Future<T> once(SqlConnection connection, TenantId tenant, Class<T> type, Supplier<Future<T>> work) {
        if (key.isEmpty()) {
            return work.get();
        }
        return connection
                .preparedQuery(
                        "select pg_try_advisory_xact_lock(hashtextextended('idempotency/' || $1 || '/' || $2, 0))")
                .execute(Tuple.of(tenant.toString(), key.get()))
                .compose(locked -> locked.iterator().next().getBoolean(0)
                        ? connection
                                .preparedQuery(
                                        "select fingerprint, answer from idempotency_key where tenant_id = $1 and key = $2")
                                .execute(Tuple.of(tenant.value(), key.get()))
                        : Future.failedFuture(
                                Problem.conflict("a request with this Idempotency-Key is being done right now")))
                .compose(kept -> kept.size() == 0
                        ? work.get().compose(answer -> keep(connection, tenant, answer))
                        : again(kept, type));
    }

    private <T> Future<T> keep(SqlConnection connection, TenantId tenant, T answer) {
        return connection
                .preparedQuery(KEEP)
                .execute(Tuple.of(tenant.value(), key.get(), fingerprint, EventCodec.encodeToString(answer)))
                .map(kept -> answer);
    }

    private <T> Future<T> again(RowSet<Row> kept, Class<T> type) {
        Row row = kept.iterator().next();
        return Arrays.equals(row.getBuffer("fingerprint").getBytes(), fingerprint.getBytes())
                ? Future.succeededFuture(EventCodec.decode(row.getString("answer"), type))
                : Future.failedFuture(Problem.unprocessable("this Idempotency-Key was used for another request"));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
