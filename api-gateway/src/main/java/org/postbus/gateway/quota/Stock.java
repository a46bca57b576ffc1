package org.postbus.gateway.quota;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Optional;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.TenantId;

/**
 * What is stored for a tenant. The rows that count are found by an index on the tenant, and no more of them are counted than the limit
 * allows.
 *
 * <p>A transaction that adds calls {@link #require} directly before it adds, as the last lock that it takes: the lock lets the tenant's
 * transactions that add the same thing follow each other, so each counts what those before it have added. The limit holds whatever runs at
 * the same time.
 */
@ApplicationScoped
public class Stock {
    private static final String LOCK = "select 1 from pg_advisory_xact_lock(hashtextextended(:name, 0))";

    private static final String LIMIT = """
            with allowed as (
              select coalesce(
                (select q.value from tenant_quota q where q.tenant_id = cast(:tenant as uuid) and q.name = :quota),
                cast(:preset as bigint)) as value)
            """;

    private final TenantQuotas quotas;

    Stock(TenantQuotas quotas) {
        this.quotas = quotas;
    }

    /**
     * Fails with a 403 problem if the tenant has less than {@code more} left of the quota. Locks until the transaction ends.
     *
     * @param session whose transaction is of the tenant
     */
    public Uni<Void> require(Mutiny.Session session, TenantId tenant, Quota quota, long more) {
        return session.createNativeQuery(LOCK, Integer.class)
                .setParameter("name", "quota/" + quota.wireName() + "/" + tenant)
                .getSingleResult()
                // A statement of its own: it must see what was committed while the lock was waited for.
                .chain(() -> require(session, tenant, quota, more, counted(quota)));
    }

    /** Fails with a 403 problem if more is stored for the tenant than allowed, as far as it was measured. Does not lock. */
    public Uni<Void> requireStorage(Mutiny.Session session, TenantId tenant) {
        return require(session, tenant, Quota.STORED_BYTES, 1, counted(Quota.STORED_BYTES));
    }

    /** At most a little more than the limit: the rest is not counted. */
    Uni<Long> used(Mutiny.Session session, TenantId tenant, Quota quota) {
        return query(session, tenant, quota, counted(quota)).map(row -> (Long) row[1]);
    }

    private Uni<Void> require(Mutiny.Session session, TenantId tenant, Quota quota, long more, String counted) {
        return query(session, tenant, quota, counted)
                .invoke(row -> {
                    long limit = (Long) row[0];
                    long used = (Long) row[1];
                    if (more > limit - used) {
                        throw exceeded(quota, limit, used, more);
                    }
                })
                .replaceWithVoid();
    }

    private Uni<Object[]> query(Mutiny.Session session, TenantId tenant, Quota quota, String counted) {
        return session.createNativeQuery(
                        LIMIT + "select (select value from allowed), cast((" + counted + ") as bigint)", Object[].class)
                .setParameter("tenant", tenant.value())
                .setParameter("quota", quota.wireName())
                .setParameter("preset", quotas.preset(quota))
                .getSingleResult();
    }

    private static RuntimeException exceeded(Quota quota, long limit, long used, long more) {
        return Problem.forbidden(
                "the quota " + quota.wireName() + " is used up: " + used + " of " + limit
                        + (more > 1 ? " are used, and the request needs " + more : "") + ". To go on, " + quota.remedy()
                        + ", or ask the operator for more",
                new Problem.Exceeded(quota.wireName(), limit, Optional.of(used)));
    }

    /** A query that returns one number. */
    private static String counted(Quota quota) {
        return switch (quota) {
            case ACCOUNTS -> count("account a where a.tenant_id = cast(:tenant as uuid)");
            case QUEUED_MUTATIONS ->
                count("pending_changes p where p.tenant_id = cast(:tenant as uuid)"
                        + " and p.state in ('queued', 'sending', 'applied', 'failed', 'in-doubt')");
            case QUEUED_SUBMISSIONS ->
                count("submission s where s.tenant_id = cast(:tenant as uuid) and s.message is not null");
            case QUEUED_SUBMISSION_BYTES ->
                "select coalesce(sum(s.size), 0) from submission s"
                        + " where s.tenant_id = cast(:tenant as uuid) and s.message is not null";
            case IDEMPOTENCY_KEYS -> count("idempotency_key k where k.tenant_id = cast(:tenant as uuid)");
            case STORED_BYTES ->
                "select coalesce((select t.bytes from tenant_storage t where t.tenant_id = cast(:tenant as uuid)), 0)";
            case REQUESTS_PER_SECOND,
                    REQUESTS_BURST,
                    CHECKS_AT_ONCE,
                    CHECKS_PER_MINUTE,
                    SYNCS_PER_ACCOUNT_AND_MINUTE,
                    DOWNLOADS_AT_ONCE -> throw new IllegalArgumentException("not in the database: " + quota);
        };
    }

    private static String count(String rows) {
        return "select count(*) from (select from " + rows + " limit (select value + 1 from allowed)) counted";
    }
}
