package org.postbus.gateway.tenant;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.StreamSupport;
import org.postbus.gateway.account.AccountPublisher;
import org.postbus.gateway.audit.AuditAppend;
import org.postbus.gateway.audit.AuditEntry;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.tenant.Tenant.Status;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.TenantId;

/**
 * The table {@code tenant}. Every change has its entry in the audit log in the same transaction. A change of the status also pauses or resumes
 * the tenant's accounts there; {@link AccountPublisher} says it to the fetchers.
 */
@ApplicationScoped
class Tenants {
    private static final String COLUMNS = "tenant_id, name, status, reason, created_at";

    private final TenantTransactions transactions;
    private final AccountPublisher publisher;

    Tenants(TenantTransactions transactions, AccountPublisher publisher) {
        this.transactions = transactions;
        this.publisher = publisher;
    }

    /** @param name empty: all */
    Uni<Page<Tenant, TenantId>> list(Optional<String> name, int limit, Optional<UUID> after) {
        return Uni.createFrom()
                .completionStage(() -> transactions
                        .futureWithoutTenant(connection -> connection
                                .preparedQuery("select * from tenants($1, $2, $3)")
                                .execute(Tuple.of(after.orElse(new UUID(0, 0)), name.orElse(null), limit + 1)))
                        .toCompletionStage())
                .map(rows -> Page.of(
                        StreamSupport.stream(rows.spliterator(), false)
                                .map(Tenant::of)
                                .toList(),
                        limit,
                        Function.identity(),
                        Tenant::id));
    }

    /** Fails with a 404 problem. */
    Uni<Tenant> find(TenantId tenant) {
        return transactions.uni(tenant, connection -> find(connection, tenant, ""));
    }

    /** Fails with a 409 problem that names the tenant that has the name. */
    Uni<Tenant> create(String name, Function<TenantId, AuditEntry> entry) {
        Future<Tenant> created = transactions.futureWithoutTenant(connection -> connection
                .preparedQuery("select tenant, created from create_tenant($1)")
                .execute(Tuple.of(name))
                .compose(rows -> {
                    Row row = rows.iterator().next();
                    TenantId tenant = new TenantId(row.getUUID(0));
                    if (!row.getBoolean(1)) {
                        return Future.failedFuture(
                                Problem.conflict("the tenant " + tenant + " has this name; choose another one"));
                    }
                    return connection
                            .preparedQuery("select set_config('app.tenant', $1, true)")
                            .execute(Tuple.of(tenant.toString()))
                            .compose(set -> AuditAppend.append(connection, List.of(entry.apply(tenant))))
                            .compose(appended -> find(connection, tenant, ""));
                }));
        return Uni.createFrom().completionStage(created::toCompletionStage);
    }

    /** Fails with a 404 problem, and with 409 if the tenant is being deleted. */
    Uni<Tenant> change(TenantId tenant, TenantRequest request, AuditEntry entry) {
        return transactions
                .uni(
                        tenant,
                        connection -> find(connection, tenant, "for update")
                                .compose(before -> {
                                    if (before.status() == Status.DELETING) {
                                        return Future.<Void>failedFuture(
                                                Problem.conflict("this tenant is being deleted"));
                                    }
                                    Status after = request.status().orElse(before.status());
                                    Optional<String> reason = after == Status.SUSPENDED
                                            ? request.reason().or(before::reason)
                                            : Optional.empty();
                                    return store(
                                            connection, tenant, request.name().orElse(before.name()), after, reason);
                                })
                                .compose(stored -> AuditAppend.append(connection, List.of(entry)))
                                .compose(appended -> find(connection, tenant, "")))
                .invoke(publisher::publishSoon);
    }

    /** From now on the tenant can do nothing, its accounts are paused, and {@link TenantErasure} deletes them. Fails with a 404 problem. */
    Uni<Tenant> delete(TenantId tenant, AuditEntry entry) {
        return transactions
                .uni(
                        tenant,
                        connection -> find(connection, tenant, "for update")
                                .compose(before ->
                                        store(connection, tenant, before.name(), Status.DELETING, Optional.empty()))
                                .compose(stored -> AuditAppend.append(connection, List.of(entry)))
                                .compose(appended -> find(connection, tenant, "")))
                .invoke(publisher::publishSoon);
    }

    private static Future<Tenant> find(SqlConnection connection, TenantId tenant, String lock) {
        return connection
                .preparedQuery("select " + COLUMNS + " from tenant where tenant_id = $1 " + lock)
                .execute(Tuple.of(tenant.value()))
                .compose(rows -> {
                    for (Row row : rows) {
                        return Future.succeededFuture(Tenant.of(row));
                    }
                    return Future.failedFuture(Problem.notFound("tenant"));
                });
    }

    private static Future<Void> store(
            SqlConnection connection, TenantId tenant, String name, Status status, Optional<String> reason) {
        return connection
                .preparedQuery("update tenant set name = $2, status = $3, reason = $4 where tenant_id = $1")
                .execute(Tuple.of(tenant.value(), name, status.wireName(), reason.orElse(null)))
                .compose(updated -> connection
                        .query(
                                switch (status) {
                                    case ACTIVE -> """
                                update account set status = status_before_suspension, status_before_suspension = null,
                                  revision = revision + 1
                                where status_before_suspension is not null""";
                                    case SUSPENDED, DELETING -> """
                                update account set status_before_suspension = status, status = 'paused', revision = revision + 1
                                where status_before_suspension is null""";
                                })
                        .execute())
                .mapEmpty();
    }
}
